"""What is read from the statistics of the runs: what has to happen in a suite, and what may never happen."""
import re

KINDS = ["in_place", "continuation", "split"]
ASYNC = "frame rewritten by an asynchronous request"
DIRECT = "direct call rewritten"
PATCHED, RESTORED = "return point patched", "return point restored"
WATCHED = "look at the mappings of a running program"
ASYNC_LOOP = "frame rewritten by an asynchronous request in a loop without calls"
UNWOUND = "step of an unwinder out of a frame that waited for a transition"
LANDED = "exception that landed in a frame when it was replaced"
REDEFINED = "function that got a new body"
FREED = "code object freed"
TIERED = {"by_entry": "function that a counter at its entry made hot", "by_loop": "function that a loop made hot",
          "by_sampler": "function that a sampler found hot", "moved": "activation that followed into optimised code"}
SPECULATION = {"branches": "side of a branch that was given up", "single_calls": "call by pointer with one target",
               "tested_calls": "call by pointer that asks for its targets", "inlined": "target that was inlined",
               "failed": "activation that left because a guess was wrong"}
POLL = "frame replaced by a stress mode in a loop without calls"
#: By stress mode: what it does in some program of each suite.
STRESS_WORK = {"every": lambda counted: counted["frames"]["rewritten"], "all": lambda counted: counted["frames"]["rewritten"],
               "random": lambda counted: counted["frames"]["rewritten"], "at": lambda counted: counted["frames"]["rewritten"],
               "polls": lambda counted: counted["frames"]["flipped_at_polls"],
               "loops": lambda counted: counted["frames"]["flipped_at_polls"],
               "async": lambda counted: counted["requests"]["rewritten"],
               "churn": lambda counted: counted["redefined"]}
BROKEN_REQUEST = re.compile("cannot be walked|hidden behind|did not stop")  # never right, except where the program blocks all signals


def count(counted, counters):
    """Adds up the statistics of one run."""
    counters.update({kind: counted["transitions"][kind] for kind in KINDS})
    counters["rewritten"] += counted["frames"]["rewritten"]
    counters[PATCHED] += counted["return_points"]["patches"]
    counters[RESTORED] += counted["return_points"]["restored"]
    counters[DIRECT] += counted["calls"]["rewritten"]
    counters[ASYNC] += counted["requests"]["rewritten"]
    counters[ASYNC_LOOP] += counted["requests"]["at_polls"]
    counters[UNWOUND] += counted["exceptions"]["unwound"]
    counters[LANDED] += counted["exceptions"]["landed_in_new"]
    counters[REDEFINED] += counted["redefined"]
    counters[FREED] += counted["freed"]["objects"]
    counters[POLL] += counted["frames"]["flipped_at_polls"]
    counters["uncertified"] += counted["sites"]["compiled_baseline"] - counted["sites"]["certified"]
    counters.update({kind: counted.get("tier_up", {}).get(key, 0) for key, kind in TIERED.items()})
    counters.update({kind: counted.get("speculation", {}).get(key, 0) for key, kind in SPECULATION.items()})
    for reason, number in counted["requests"]["refused"].items():
        counters["refused request: " + re.sub(r"\bthreads? \d[\d, ]*", "a thread ", reason)] += number
    for what, refused in [("site", counted["sites"]["refused"]), ("transition", counted["transitions"]["refused"])]:
        for reason, number in refused.items():
            counters[f"refused {what}: {reason}"] += number


def works_of(mode, counted):
    """What a mode is for -> how often that happened in one run."""
    if "--stress" in mode:
        word = mode[mode.index("--stress") + 1].split(":")[0]
        yield f"work of --stress {word}", STRESS_WORK[word](counted)
    if "--tier-threshold" in mode: # else it is high
        yield "function that got hot", sum(counted["tier_up"][kind] for kind in TIERED if kind.startswith("by_"))


def complaints(program, counted):
    """Yields what the statistics of a run may never say."""
    if counted["mappings"]["total"] == 0 or counted["mappings"]["writable_and_executable"]:
        yield f"mappings {counted['mappings']}"
    for reason, number in counted.get("tier_up", {}).get("failed", {}).items():
        yield f"{number} did not tier up: {reason}"
    for reason, number in counted["requests"]["refused"].items():
        if BROKEN_REQUEST.search(reason) and not (program.blocks_signals and "did not stop" in reason):
            yield f"{number} requests failed: {reason}"
    for reason in [*counted["requests"]["refused"], *counted["transitions"]["refused"]]:
        if reason.startswith("cannot compile"):
            yield reason
    if counted["walks"]["failed"]:
        yield f"{counted['walks']['failed']} failed walks: {counted['transitions']['refused']}"
    for reason, number in counted["functions"]["not_optimized"].items():
        yield f"{number} not optimised: {reason}"


def idle_modes(works, options):
    """Modes that did in no program what they are for. `works`: by mode and kind of work."""
    return [] if options.names else [f"{kind} in any program with {mode}" for (mode, kind), number in works.items() if number == 0]


def missing_kinds(counters, options):
    """What a whole suite cannot do without, and did not do."""
    # Not ASYNC_LOOP: whether a request meets a loop without calls is chance; loop_requests_test makes sure of it.
    wanted = [*KINDS, WATCHED]
    if not options.verify:
        wanted += [ASYNC, PATCHED, UNWOUND, LANDED, REDEFINED, FREED]
    if not options.verify and not options.libcxx:
        wanted += [POLL, DIRECT, RESTORED, *TIERED.values(), *SPECULATION.values()]
    is_whole = not (options.names or options.rewrite or options.calls or options.stress or options.tier)
    return [kind for kind in wanted if counters[kind] == 0] if is_whole else []
