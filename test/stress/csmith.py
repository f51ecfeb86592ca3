#!/usr/bin/env python3
"""Random C programs: csmith or effects.py writes them, and native clang is compared with osrctl in several modes.

With --inferred, LLVM first says at each call what it finds out about the callee in the whole program; with --passes after a
random sequence of its passes. A seed is skipped when clang's own -O0 and -O2 disagree, when the program runs too long natively, or
when it is another one after those passes, natively; skipped seeds are counted, and a range in which too few programs were
left proves nothing and fails.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from front_end import LEVELS, bitcode_flags, machines
from runs import has_text, processor_seconds, run

import effects
import pipelines

MODES = {
    "baseline": ["--tier", "baseline"],
    "optimized": ["--tier", "optimized"],
    "every": ["--tier", "optimized", "--stress", "every"],
    "random": ["--tier", "baseline", "--stress", "random:{seed}"],
    "polls": ["--tier", "optimized", "--stress", "polls:3"],
    "async": ["--tier", "optimized", "--stress", "async:1000"],
    "auto": ["--tier", "auto", "--tier-policy", "counters", "--tier-threshold", "20", "--compile-threads", "0"],
    "churn": ["--tier", "baseline", "--stress", "churn:1000"],
}
KINDS = ["in_place", "continuation", "split"]
POLL = "frames replaced in loops without calls"
REQUESTED = "frames replaced by requests"
REDEFINED = "redefinitions"
REQUIRED = [*KINDS, POLL]  # most of these programs end before a request is made
SHAPES = [  # what csmith makes by default has one huge function; smaller ones call each other more
    [],
    ["--max-funcs", "5", "--max-block-size", "3"],
    ["--inline-function", "--max-funcs", "6", "--max-expr-complexity", "5"],
]
INCLUDE = "/usr/include/csmith"
MARKED = "calls whose effects were known"
HIDDEN = "stores may wait"  # what statistics say of a site that LLVM did not take for a reader of all memory


class Result:
    def __init__(self, seed):
        self.seed, self.skipped, self.runs = seed, None, 0
        self.failures, self.counters = [], collections.Counter()


def native(source, work, options):
    """What the program prints and how it ends, and how long it takes; None if the two levels disagree."""
    outcomes = []
    for level in ["-O0", "-O2"]:
        path = work / f"native{level}"
        subprocess.run([options.clang, "-w", level, f"-I{INCLUDE}", str(source), "-o", str(path)], check=True)
        outcomes.append(run([str(path)], options.native_timeout)[:2])
    return outcomes[0] if outcomes[0] == outcomes[1] and outcomes[0][1] != "timeout" else None


def write(seed, source, generator):
    if generator == "effects":
        source.write_text(effects.program(seed))
    else:
        subprocess.run(["csmith", "--seed", str(seed), *SHAPES[seed % len(SHAPES)], "--output", str(source)], check=True,
                       cwd=source.parent)


def transform(seed, bitcode, expected, options):
    """How many calls say more about themselves now; None if LLVM breaks down or breaks the program."""
    pipeline = pipelines.at_random(seed, options.passes) if options.passes else pipelines.that_infers(seed)
    put, status, _ = run([options.attributes, pipeline, str(bitcode), str(bitcode)], options.timeout)
    if status != 0:
        return None
    path = bitcode.with_suffix(".native")
    _, status, _ = run([options.clang, "-w", "-O2", "-x", "ir", str(bitcode), "-o", str(path)], options.timeout)
    return int(put) if status == 0 and run([str(path)], options.native_timeout)[:2] == expected else None


def problem_of(statistics):
    """What the counters say that no output shows."""
    if statistics["functions"]["not_optimized"]:
        return f"not optimised: {statistics['functions']['not_optimized']}"
    hidden = [reason for reason in statistics["sites"]["refused"] if HIDDEN in reason]
    return f"sites: {hidden}" if hidden else None


def check(seed, options):
    result = Result(seed)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        source = work / "program.c"
        write(seed, source, options.generator)
        expected = native(source, work, options)
        if expected is None:
            result.skipped = "endless or undefined"
            return result
        level = LEVELS[seed // len(SHAPES) % len(LEVELS)]
        machine = machines()[seed // len(SHAPES) // len(LEVELS) % len(machines())]
        bitcode = work / "program.bc"
        subprocess.run([options.clang, "-w", f"-I{INCLUDE}", *bitcode_flags(level, machine), str(source), "-o",
                        str(bitcode)], check=True)
        if options.inferred:
            marked = transform(seed, bitcode, expected, options)
            if marked is None:
                result.skipped = "broken by LLVM"
                return result
            result.counters[MARKED] += marked
        for name in options.modes:
            mode = MODES[name]
            statistics = work / "statistics.json"
            statistics.unlink(missing_ok=True)
            command = [options.osrctl, "run", *(word.format(seed=seed) for word in mode), "--compile-cache", str(work / "cache"),
                       "--stats", str(statistics), str(bitcode)]
            output, status, errors = run(command, options.timeout)
            result.runs += 1
            if (output, status) != expected:
                result.failures.append(f"seed {seed} {level} {machine} {name}: status {status}, expected {expected[1]}; "
                                       f"{errors.decode(errors='replace')[-300:]}")
            elif has_text(statistics):
                counted = json.loads(statistics.read_text())
                if problem := problem_of(counted):
                    result.failures.append(f"seed {seed} {level} {name}: {problem}")
                result.counters.update({kind: counted["transitions"][kind] for kind in KINDS})
                result.counters[POLL] += counted["frames"]["flipped_at_polls"]
                result.counters[REQUESTED] += counted["requests"]["rewritten"]
                result.counters[REDEFINED] += counted["redefined"]
        if result.failures and options.keep:
            shutil.copy(source, pathlib.Path(options.keep) / f"seed{seed}.c")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    default_attributes = pathlib.Path(__file__).resolve().parents[2] / "build/release/test/put_attributes"
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--count", type=int, default=1000, help="number of seeds")
    parser.add_argument("--generator", choices=["csmith", "effects"], default="csmith")
    parser.add_argument("--inferred", action="store_true", help="LLVM says at calls what it finds out about the callees")
    parser.add_argument("--attributes", default=default_attributes, metavar="PROGRAM", help="the one that does so (%(default)s)")
    parser.add_argument("--passes", type=int, default=0, metavar="N", help="the same, after N passes of LLVM at random")
    parser.add_argument("--modes", type=lambda text: text.split(","), default=list(MODES), help=", ".join(MODES))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--native-timeout", type=float, default=2, help="seconds until a native run counts as endless")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--any-number", action="store_true", help="a small range: transitions of each kind are not asked for")
    parser.add_argument("--keep", help="folder for the programs that failed")
    options = parser.parse_args()
    options.inferred |= options.passes > 0
    required = [*REQUIRED, MARKED] if options.inferred else REQUIRED
    if options.generator == "effects":  # all of its loops call something
        required = [kind for kind in required if kind != POLL]

    total, runs, failed, compared = collections.Counter(), 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        seeds = range(options.first, options.first + options.count)
        for number, result in enumerate(pool.map(lambda seed: check(seed, options), seeds), 1):
            total += result.counters
            runs += result.runs
            failed += len(result.failures)
            compared += result.skipped is None
            for failure in result.failures:
                print("FAIL " + failure, flush=True)
            if number % 50 == 0:
                print(f"{number} seeds, {compared} compared, {failed} differences", flush=True)

    print(f"{compared} of {options.count} programs compared; " + ", ".join(f"{total[kind]} {kind}" for kind in [*required, REQUESTED, REDEFINED]))
    vacuous = [] if options.any_number else [kind for kind in required if total[kind] == 0]
    if compared * 2 < options.count and not options.any_number:
        vacuous.append("compared programs in sufficient number")
    for what in vacuous:
        print(f"FAIL: there were no {what}")
    print(f"{runs - failed} passed, {failed + len(vacuous)} failed; {processor_seconds()}")
    return 1 if failed or vacuous else 0


if __name__ == "__main__":
    sys.exit(main())
