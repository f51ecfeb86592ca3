"""The modes in which the programs run, and which level each (program, mode) has its turn at.

The product of programs, modes and levels is what `--full` runs. Otherwise each program runs in each mode once, at one level:
the next mode takes the next level, and programs begin at different ones. The machine that bitcode is made for rotates with
the level, by program. missing_pairs() says what that has to keep.
"""
import dataclasses
import itertools

from program import LEVELS, Program, machines

MODES = [
    ["--tier", "baseline", "--calls", "slot"],
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
    ["--tier", "optimized", "--stress", "async:1000", "--rewrite", "return-point", "--calls", "slot"],
    ["--tier", "baseline", "--stress", "async:1000", "--calls", "slot"],
    ["--tier", "optimized", "--stress", "churn:500"],
    ["--tier", "baseline", "--stress", "churn:500", "--rewrite", "return-point", "--calls", "slot"],
]
# Twice with the same counts: everything is compiled where and when a counter runs out.
DETERMINISTIC = ["--tier", "auto", "--tier-policy", "counters", "--tier-threshold", "30", "--compile-threads", "0"]
SPECULATING = [*DETERMINISTIC, "--speculate", "--speculate-after", "10"]
MODES += [
    DETERMINISTIC,
    ["--tier", "auto", "--tier-threshold", "100", "--speculate", "--speculate-after", "20"],
    [*DETERMINISTIC, "--stress", "random:5"],
    [*SPECULATING, "--stress", "random:6"],
    SPECULATING,
    ["--tier", "auto", "--tier-policy", "sampling", "--sampling-period", "500", "--tier-threshold", "1"],
    [*SPECULATING, "--stress", "every"],
    ["--tier", "auto", "--tier-threshold", "50", "--speculate", "--speculate-after", "10", "--stress", "churn:500"],
    ["--tier", "optimized", "--speculate", "--speculate-after", "5", "--stress", "async:1000"],
    ["--tier", "auto", "--tier-threshold", "100", "--speculate", "--speculate-after", "10", "--rewrite", "return-point",
     "--calls", "slot"],
]
# All frame states are checked after each optimisation pass.
VERIFIED_MODES = [["--tier", "optimized", "--stress", "every", "--verify"], [*SPECULATING, "--stress", "random:7", "--verify"]]
MODES += VERIFIED_MODES
# Of C++ programs for libc++: another unwinder's data and other types, but code of the same kinds.
LIBCXX_MODES = [
    ["--tier", "auto"],
    ["--tier", "optimized", "--stress", "every"],
    ["--tier", "baseline", "--stress", "random:8"],
    ["--tier", "optimized", "--stress", "async:1000", "--rewrite", "return-point"],
    [*SPECULATING, "--stress", "random:9"],
    ["--tier", "optimized", "--stress", "churn:500"],
]


def is_run_twice(mode):
    return mode[:len(DETERMINISTIC)] == DETERMINISTIC and "--stress" not in mode


@dataclasses.dataclass(frozen=True)
class Run:
    program: Program
    mode: list
    level: str

    def __str__(self):
        return f"{self.program.name} {self.level} {self.program.machine(self.level)} {' '.join(self.mode)}"


def turns(program):
    """The levels in the order in which a program takes them. At -O0 C++ is layers of functions of one line, each of which is
    compiled by itself, with its continuations: such a run takes several times as long, so it is one in nine there."""
    return ["-O0", *["-O1", "-O2"] * 4] if program.is_cxx else LEVELS


def suits(program, mode):
    return not (program.needs_generated_stubs and "interpreted" in mode)


def plan(programs, modes, is_full):
    """The runs to make. `modes` are all modes of one list, since a mode's place in it says whose turn it is."""
    return [Run(program, mode, level) for program in programs for number, mode in enumerate(modes) if suits(program, mode)
            for level in (LEVELS if is_full else [turns(program)[(number + program.turn) % len(turns(program))]])]


def libcxx_plan(programs):
    """Each program in each mode, all at the one level that bitcode for libc++ is made at."""
    return [Run(program, mode, program.libcxx_level) for program in programs for mode in LIBCXX_MODES]


def missing_pairs(runs, programs, modes, is_one_level=False):
    """The pairs of program, mode, level and machine of which `runs` has none; only those with a mode where each program has
    one level."""
    axes = {"program": [program.name for program in programs], "mode": [" ".join(mode) for mode in modes],
            "level": LEVELS, "machine": machines()}
    rows = [{"program": run.program.name, "mode": " ".join(run.mode), "level": run.level,
             "machine": run.program.machine(run.level)} for run in runs]
    unsuitable = {(program.name, " ".join(mode)) for program in programs for mode in modes if not suits(program, mode)}
    missing = []
    for one, other in itertools.combinations(axes, 2):
        if is_one_level and "mode" not in (one, other):
            continue
        seen = {(row[one], row[other]) for row in rows}
        missing += [pair for pair in itertools.product(axes[one], axes[other]) if pair not in seen | unsuitable]
    return missing
