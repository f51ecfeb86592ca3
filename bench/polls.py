#!/usr/bin/env python3
"""What the polls of loops cost while nobody wants anything: each kernel of poll_kernels.c with polls and without.

The processor time of a kernel is taken inside the program; the runs are interleaved (A B A B ...) so that a machine that
slows down slows both, and the best of each counts. `--count` counts instructions under valgrind instead.
"""
import argparse
import math
import pathlib
import re
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent / "poll_kernels.c"
TIERS = ["optimized", "baseline"]
POLLS = {"with": "--loop-sites", "without": "--no-loop-sites"}


def times_of(options, tier, polls, bitcode):
    """Microseconds of each kernel, and what it computed."""
    command = [options.osrctl, "run", "--tier", tier, POLLS[polls], "--compile-ahead", str(bitcode), "--", options.kernel]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {name: int(time) for name, time, _ in rows}, {name: result for name, _, result in rows}


def measure_time(options, bitcode):
    best = {}
    for _ in range(options.runs):
        results = set()
        for tier in TIERS:
            for polls in POLLS:
                times, result = times_of(options, tier, polls, bitcode)
                results.add(str(result))
                for name, time in times.items():
                    key = name, tier, polls
                    best[key] = min(best.get(key, time), time)
        if len(results) != 1:
            sys.exit("the kernels compute different results with polls and without")
    return best


def instructions_of(options, tier, polls, kernel, divisor, bitcode):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", options.osrctl, "run", "--tier", tier,
               POLLS[polls], "--compile-ahead", str(bitcode), "--", kernel, str(divisor)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr).group(1))


def measure_instructions(options, names, bitcode):
    """The kernel at two numbers of rounds: the difference is free of compiling and starting."""
    return {(name, tier, polls): instructions_of(options, tier, polls, name, 10, bitcode)
            - instructions_of(options, tier, polls, name, 20, bitcode)
            for name in names for tier in TIERS for polls in POLLS}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--runs", type=int, default=9, help="runs of each kind; the best counts (default 9)")
    parser.add_argument("--count", action="store_true", help="count instructions (needs valgrind)")
    parser.add_argument("kernel", nargs="?", default="all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        bitcode = pathlib.Path(work) / "kernels.bc"
        subprocess.run([options.clang, "-w", "-O1", "-emit-llvm", "-c", str(SOURCE), "-o", str(bitcode)], check=True)
        found = measure_time(options, bitcode)
        names = list(dict.fromkeys(name for name, _, _ in found))
        if options.count:
            found = measure_instructions(options, names, bitcode)
    unit = "instructions" if options.count else "us"
    print(f"{'kernel':18} {'optimised ' + unit:>24} {'with polls':>11} {'baseline ' + unit:>24} {'with polls':>11}")
    for name in names:
        cells = []
        for tier in TIERS:
            without = found[name, tier, "without"]
            cells.append(f"{without:24} {found[name, tier, 'with'] / without:11.3f}")
        print(f"{name:18} {' '.join(cells)}")
    means = [math.exp(sum(math.log(found[name, tier, "with"] / found[name, tier, "without"]) for name in names) / len(names))
             for tier in TIERS]
    print(f"{'geometric mean':18} {'':24} {means[0]:11.3f} {'':24} {means[1]:11.3f}")


if __name__ == "__main__":
    main()
