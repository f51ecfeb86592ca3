#!/usr/bin/env python3
"""What whole programs pay for calls that can be redirected and for returns that can be patched.

Each program runs in the optimised tier with calls through slots, with direct calls, and with direct calls and a nop
behind each call (`--rewrite return-point`); nothing is replaced. The time is processor time of a long run less that of a
short one, which takes compiling out; runs are interleaved and the shortest counts, since other work on the machine can
only add to it.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from tiers import build, compiled

# Programs that do little but call, with the scale of the long run.
SCALES = {"backtracking": 100, "dispatch_tables": 100, "lisp": 100, "recursion_classics": 100, "recursive_vm": 100}
SHORT_SCALE = 1
KINDS = {
    "slot": ["--calls", "slot"],
    "direct": ["--calls", "direct"],
    "direct+nop": ["--calls", "direct", "--rewrite", "return-point"],
}
BASE = "direct"


def processor_seconds(command, expected):
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or (expected is not None and output != expected):
        sys.exit(f"{' '.join(command)}: status {process.returncode}, or other output than before")
    return usage.ru_utime + usage.ru_stime, output


def measure(name, options, work):
    bitcode, _ = build(name, work, options)
    seconds = {(kind, scale): [] for kind in KINDS for scale in [SHORT_SCALE, SCALES[name]]}
    expected, code_bytes, sites = {}, {}, 0
    for _ in range(options.runs):
        for kind, scale in seconds:
            stats = work / "stats.json"
            command = [options.osrctl, "run", "--tier", "optimized", *KINDS[kind], "--compile-ahead", "--stats", str(stats), str(bitcode), "--",
                       str(scale)]
            taken, expected[scale] = processor_seconds(command, expected.get(scale))
            seconds[kind, scale].append(taken)
            counted = compiled(json.loads(stats.read_text()))
            code_bytes[kind], sites = counted["code_bytes"], counted["sites"]
    times = {kind: min(seconds[kind, SCALES[name]]) - min(seconds[kind, SHORT_SCALE]) for kind in KINDS}
    return times, code_bytes, sites


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--runs", type=int, default=7, help="runs of each kind; the shortest counts (default 7)")
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help=f"of {', '.join(SCALES)} (default: all)")
    options = parser.parse_args()
    if options.runs < 1 or any(name not in SCALES for name in options.names):
        parser.error("--runs must be at least 1, and names must be benchmarks")
    ratios = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as work:
        for name in options.names or SCALES:
            times, code_bytes, sites = measure(name, options, pathlib.Path(work))
            cells = []
            for kind in KINDS:
                ratios[kind].append(times[kind] / times[BASE])
                cells.append(f"{kind} {ratios[kind][-1]:.3f} ({code_bytes[kind]} B)")
            print(f"{name:20} {times[BASE]:.3f} s, {sites} sites: {', '.join(cells)}", flush=True)
    means = {kind: math.exp(statistics.fmean(map(math.log, values))) for kind, values in ratios.items()}
    print("geometric mean       " + ", ".join(f"{kind} {mean:.3f}" for kind, mean in means.items()))


if __name__ == "__main__":
    main()
