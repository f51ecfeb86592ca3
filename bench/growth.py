#!/usr/bin/env python3
"""Does the cost of a function depend on how many others there are? Programs of generate_program.py, small to large.

    growth.py --osrctl OSRCTL [--sizes 100 1000 10000] [--count time]

Each row is one way to go through a program. What a program of one function takes is subtracted, and the rest is divided by
the number of functions. Fails if a function of the largest program costs more than --most times what one of the smallest
does. Instructions are exact (callgrind, some fifty times slower than the program alone); --count time takes the processor
time of one run instead, which varies by some percent.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

import generate_program

WAYS = {  # options of run, arguments of the program
    "start: read, canonical form, sites, symbols": (["--tier", "baseline"], []),
    "baseline, every function": (["--tier", "baseline", "--compile-ahead"], []),
    "optimised as a whole, every function": (["--tier", "optimized", "--compile-ahead"], []),
    "every function called, tiered up by a request, optimised by itself": (
        ["--tier", "auto", "--tier-policy", "counters", "--tier-threshold", "1", "--compile-threads", "0"],
        ["all"],
    ),
}


def instructions(command):
    valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    done = subprocess.run(valgrind + command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not counted:
        sys.exit(f"{' '.join(command)} failed under valgrind:\n{done.stderr}")
    return int(counted[1]) / 1e6


def processor_time(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} failed")
    return (usage.ru_utime + usage.ru_stime) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--count", choices=["instructions", "time"], default="instructions")
    parser.add_argument("--only", default="", help="ways whose name contains this")
    parser.add_argument("--most", type=float, default=1.3)
    options = parser.parse_args()
    if min(options.sizes) < 2:
        parser.error("a program of one function is what the others are compared with")
    cost = instructions if options.count == "instructions" else processor_time
    unit = "million instructions" if options.count == "instructions" else "ms of processor time"
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        programs = {}
        for size in [1] + options.sizes:
            programs[size] = os.path.join(folder, f"{size}.ll")
            with open(programs[size], "w") as file:
                file.write(generate_program.program(size))
        print(f"{unit} per function, in programs of {', '.join(f'{size:,}' for size in options.sizes)} functions")
        for name, (run, arguments) in WAYS.items():
            if options.only not in name:
                continue
            command = lambda size: [options.osrctl, "run", *run, programs[size], "--", *arguments]
            empty = cost(command(1))
            each = [(cost(command(size)) - empty) / (size - 1) for size in options.sizes]
            grows = each[-1] > options.most * each[0]
            failed |= grows
            print(f"  {name:68}", *(f"{value:9.3f}" for value in each), "  GROWS" if grows else "", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
