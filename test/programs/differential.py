#!/usr/bin/env python3
"""Runs C programs natively and under osrctl in many modes, and compares what they print and how they end.

Each program is compiled to bitcode at -O0, -O1 and -O2, so that every front-end shape is seen. A run that prints or
exits otherwise than the native program is a failure, and so is a mapping that is writable and executable, looked for
while the program runs and at its end. At the end the transitions of each kind are added up: a suite
in which one kind never happened proves nothing and fails too.
"""
import argparse
import collections
import concurrent.futures
import json
import mmap
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from runs import code_mappings, has_text, run, run_watched

LEVELS = ["-O0", "-O1", "-O2"]
MODES = [
    ["--tier", "baseline", "--calls", "direct"],
    ["--tier", "optimized"],
    ["--tier", "baseline", "--stress", "every"],
    ["--tier", "optimized", "--stress", "every"],
    ["--tier", "optimized", "--stress", "every:3", "--stubs", "interpreted"],
    ["--tier", "optimized", "--stress", "all:97"],
    ["--tier", "baseline", "--stress", "random:1"],
    ["--tier", "optimized", "--stress", "random:2"],
    ["--tier", "baseline", "--stress", "polls:3"],
    ["--tier", "optimized", "--stress", "polls:13"],
    ["--tier", "optimized", "--stress", "loops:1000"],
    ["--tier", "optimized", "--stress", "async:1000"],
    ["--tier", "baseline", "--stress", "random:3", "--rewrite", "return-point"],
    ["--tier", "optimized", "--stress", "async:1000", "--rewrite", "return-point", "--calls", "direct"],
    ["--tier", "baseline", "--stress", "async:1000", "--calls", "direct"],
    ["--tier", "optimized", "--stress", "churn:500"],
    ["--tier", "baseline", "--stress", "churn:500", "--rewrite", "return-point", "--calls", "direct"],
]
# Twice with the same counts: everything is compiled where and when a counter runs out.
DETERMINISTIC = ["--tier", "auto", "--tier-threshold", "30", "--compile-threads", "0"]
SPECULATING = [*DETERMINISTIC, "--speculate", "--speculate-after", "10"]
MODES += [
    DETERMINISTIC,
    ["--tier", "auto", "--tier-threshold", "100", "--speculate", "--speculate-after", "20"],
    [*DETERMINISTIC, "--stress", "random:5"],
    [*SPECULATING, "--stress", "random:6"],
]
# Of -O1 bitcode only: what they do to code is done to bitcode of all levels by a mode above.
ONCE = [
    SPECULATING,
    ["--tier", "auto", "--tier-policy", "sampling", "--sampling-period", "500", "--tier-threshold", "1"],
    [*SPECULATING, "--stress", "every"],
    ["--tier", "auto", "--tier-threshold", "50", "--speculate", "--speculate-after", "10", "--stress", "churn:500"],
    ["--tier", "optimized", "--speculate", "--speculate-after", "5", "--stress", "async:1000"],
    ["--tier", "auto", "--tier-threshold", "100", "--speculate", "--speculate-after", "10", "--rewrite", "return-point",
     "--calls", "direct"],
]
MODES += ONCE
VERIFIED_MODES = [["--tier", "optimized", "--stress", "every", "--verify"], [*SPECULATING, "--stress", "random:7", "--verify"]]
ONCE += VERIFIED_MODES[1:]
# Of C++ programs for libc++: another unwinder's data and other types, but code of the same kinds.
LIBCXX_MODES = [
    ["--tier", "auto"],
    ["--tier", "optimized", "--stress", "every"],
    ["--tier", "baseline", "--stress", "random:8"],
    ["--tier", "optimized", "--stress", "async:1000", "--rewrite", "return-point"],
    [*SPECULATING, "--stress", "random:9"],
    ["--tier", "optimized", "--stress", "churn:500"],
]
ONCE_LEVEL = "-O1"
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
BROKEN_REQUEST = re.compile("cannot be walked|did not stop")  # never right, except where the program blocks all signals


class Program:
    """One source file and what its header says about compiling it."""

    def __init__(self, path):
        self.path = path
        self.name = path.stem
        self.is_cxx = path.suffix == ".cpp"
        text = path.read_text()
        self.cflags = self.header(text, "cflags")
        self.libs = self.header(text, "libs")
        self.is_for_libcxx = self.is_cxx and not re.search(r"^// needs libstdc\+\+", text, re.M)
        # Where handlers may interrupt anything, a thread of the runtime compiles, and counts depend on time.
        self.handles_signals = re.search(r"\b(signal|sigaction|sigset)\s*\(", text) is not None
        self.blocks_signals = re.search(r"^// blocks signals", text, re.M) is not None

    @staticmethod
    def header(text, key):
        found = re.search(rf"^// {key}: (.*)$", text, re.M)
        return found.group(1).split() if found else []


def modes_of(options):
    """The modes to run, each a list of arguments."""
    modes = VERIFIED_MODES if options.verify else LIBCXX_MODES if options.libcxx else MODES
    if options.stress:
        modes = [mode for mode in modes if "--stress" in mode and
                 re.match(options.stress, mode[mode.index("--stress") + 1])]
    if options.tier:
        modes = [mode for mode in modes if mode[mode.index("--tier") + 1] == options.tier]
    for name, value in [("--rewrite", options.rewrite), ("--calls", options.calls)]:
        if value:
            modes = [without(mode, name) + [name, value] for mode in modes]
    return modes


def modes_at(level, options):
    return [mode for mode in options.modes if level == ONCE_LEVEL or not (options.libcxx or mode in ONCE)]


def levels_of(options):
    return [level for level in LEVELS if modes_at(level, options)]


def without(mode, name):
    at = mode.index(name) if name in mode else len(mode)
    return mode[:at] + mode[at + 2:]


def build(program, work, options):
    """Compiles natively and to bitcode; returns the native path and the bitcode by level."""
    native = work / f"{program.name}.native"
    language = ["--driver-mode=g++"] if program.is_cxx else []
    library = ["-stdlib=libc++"] if options.libcxx else []
    common = [options.clang, *language, *library, "-w", *program.cflags, str(program.path)]
    subprocess.run([*common, "-O1", "-o", str(native), *program.libs, "-lm"], check=True)
    bitcode = {}
    for level in levels_of(options):
        bitcode[level] = work / f"{program.name}{level}.bc"
        extra = ["-Xclang", "-disable-O0-optnone"] if level == "-O0" else []
        subprocess.run([*common, level, *extra, "-emit-llvm", "-c", "-o", str(bitcode[level])], check=True)
    return native, bitcode


def check(program, options, work):
    """All runs of one program: list of failures, sum of counters, number of runs."""
    native, bitcode = build(program, work, options)
    arguments = [str(options.scale)]
    expected_output, expected_status, _ = run([str(native), *arguments], options.timeout)
    failures, counters, runs = [], collections.Counter(), 0
    for level in bitcode:
        for mode in modes_at(level, options):
            stats = work / f"{program.name}{level}.json"
            stats.unlink(missing_ok=True)
            command = [options.osrctl, "run", *mode, "--stats", str(stats), str(bitcode[level]), "--", *arguments]
            (output, status, errors), looks, both = run_watched(command, options.timeout)
            runs += 1
            counters[WATCHED] += looks
            if both:
                failures.append(f"{program.name} {level} {' '.join(mode)}: writable and executable: {both[0]}")
            if (output, status) != (expected_output, expected_status):
                failures.append(f"{program.name} {level} {' '.join(mode)}: status {status}, expected {expected_status}"
                                f"{'' if output == expected_output else ', other output'}"
                                f" {errors.decode(errors='replace')[-300:]}")
            elif status < 128 and not has_text(stats):
                failures.append(f"{program.name} {level} {' '.join(mode)}: no statistics were written")
            if has_text(stats):
                counted = json.loads(stats.read_text())
                counters.update({kind: counted["transitions"][kind] for kind in KINDS})
                counters["rewritten"] += counted["frames"]["rewritten"]
                if counted["mappings"]["total"] == 0 or counted["mappings"]["writable_and_executable"]:
                    failures.append(f"{program.name} {level} {' '.join(mode)}: mappings {counted['mappings']}")
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
                tier_up = counted.get("tier_up", {})
                counters.update({kind: tier_up.get(key, 0) for key, kind in TIERED.items()})
                counters.update({kind: counted.get("speculation", {}).get(key, 0) for key, kind in SPECULATION.items()})
                for reason, number in tier_up.get("failed", {}).items():
                    failures.append(f"{program.name} {level} {' '.join(mode)}: {number} did not tier up: {reason}")
                if is_run_twice(mode) and level == ONCE_LEVEL and is_deterministic(program, counted):
                    again = run_again(command, stats, options.timeout)
                    runs += 1
                    if without_times(again) != without_times(tier_up):
                        failures.append(f"{program.name} {level} {' '.join(mode)}: {tier_up}, then {again}")
                for reason, number in counted["requests"]["refused"].items():
                    if BROKEN_REQUEST.search(reason) and not (program.blocks_signals and "did not stop" in reason):
                        failures.append(f"{program.name} {level} {' '.join(mode)}: {number} requests failed: {reason}")
                    counters["refused request: " + re.sub(r"\bthreads? \d[\d, ]*", "a thread ", reason)] += number
                for reason in [*counted["requests"]["refused"], *counted["transitions"]["refused"]]:
                    if reason.startswith("cannot compile"):
                        failures.append(f"{program.name} {level} {' '.join(mode)}: {reason}")
                if counted["walks"]["failed"]:
                    failures.append(f"{program.name} {level} {' '.join(mode)}: {counted['walks']['failed']} failed walks: "
                                    f"{counted['transitions']['refused']}")
                counters["uncertified"] += counted["sites"]["compiled_baseline"] - counted["sites"]["certified"]
                for reason, number in counted["functions"]["not_optimized"].items():
                    failures.append(f"{program.name} {level} {' '.join(mode)}: {number} not optimised: {reason}")
                for reason, number in counted["sites"]["refused"].items():
                    counters["refused site: " + reason] += number
                for reason, number in counted["transitions"]["refused"].items():
                    counters["refused transition: " + reason] += number
    return failures, counters, runs


def is_run_twice(mode):
    return mode[:len(DETERMINISTIC)] == DETERMINISTIC and "--stress" not in mode


def is_deterministic(program, counted):
    return counted["threads"]["most_at_once"] == 1 and not program.handles_signals


def run_again(command, stats, timeout):
    run(command, timeout)
    return json.loads(stats.read_text())["tier_up"]


def without_times(tier_up):
    return {key: value for key, value in tier_up.items() if key != "seconds"}


def sees_writable_code():
    """Whether the look at mappings finds one that is writable and executable: it would pass everything otherwise."""
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        return len(code_mappings(os.getpid())[1]) == 1


def main():
    here = pathlib.Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--scale", type=int, default=2, help="argument given to each program")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--verify", action="store_true", help="check all frame states after each optimisation pass")
    parser.add_argument("--libcxx", action="store_true", help="C++ programs, compiled for libc++")
    parser.add_argument("--rewrite", help="in all modes: how frames are sent to their stubs")
    parser.add_argument("--calls", help="in all modes: how code calls functions")
    parser.add_argument("--stress", help="only modes of which --stress matches this regular expression")
    parser.add_argument("--tier", help="only modes of this tier")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", help="programs to run (default: all)")
    options = parser.parse_args()
    options.modes = modes_of(options)
    assert sees_writable_code()

    programs = [Program(path) for path in sorted([*here.glob("*.c"), *here.glob("*.cpp")])]
    programs = [program for program in programs if (not options.names or program.name in options.names) and
                (program.is_for_libcxx or not options.libcxx)]
    total, failures, runs = collections.Counter(), [], 0
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = {pool.submit(check, program, options, pathlib.Path(work)): program for program in programs}
        for job in concurrent.futures.as_completed(jobs):
            failed, counters, count = job.result()
            failures += failed
            total += counters
            runs += count
            print(f"{'FAIL' if failed else 'ok  '} {jobs[job].name}: {count} runs, "
                  + ", ".join(f"{counters[kind]} {kind}" for kind in KINDS), flush=True)
            for line in failed:
                print("     " + line, flush=True)

    # Not ASYNC_LOOP: whether a request meets a loop without calls is chance; loop_requests_test makes sure of it.
    wanted = [*KINDS, WATCHED]
    if not options.verify:
        wanted += [ASYNC, PATCHED, UNWOUND, LANDED, REDEFINED, FREED]
    if not options.verify and not options.libcxx:
        wanted += [POLL, DIRECT, RESTORED, *TIERED.values(), *SPECULATION.values()]
    for key, number in sorted(total.items()):
        print(f"{key}: {number}")
    is_whole = not (options.names or options.rewrite or options.calls or options.stress)
    missing = [kind for kind in wanted if total[kind] == 0] if is_whole else []
    if total["uncertified"]:
        missing.append("certificate for each baseline site")
    for kind in missing:
        print(f"FAIL: there was no {kind}")
    print(f"{runs - len(failures)} passed, {len(failures) + len(missing)} failed")
    return 1 if failures or missing else 0


if __name__ == "__main__":
    sys.exit(main())
