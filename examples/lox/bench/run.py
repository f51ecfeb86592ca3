#!/usr/bin/env python3
"""Time of each benchmark: interpreted, automatic, and the same in C by clang -O2. Whole processes, processor time of all
threads, in turns; the fastest of --rounds.

usage: run.py LOX [--rounds N] [--clang CLANG] [NAME...]
"""
import argparse
import math
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ["fib", "methods", "trees", "strings", "fields"]


def seconds(command):
    before = os.times()
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    after = os.times()
    if ended.returncode != 0:
        sys.exit(f"{command}: {ended.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system, ended.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lox")
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clang", default="clang-22")
    arguments = parser.parse_intermixed_args()
    ratios, natives = [], []
    print("| benchmark | interpreted s | auto s | faster | C s | of C |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.names:
            native = f"{folder}/{name}"
            subprocess.run([arguments.clang, "-O2", HERE / f"{name}.c", "-o", native], check=True)
            source = HERE / f"{name}.lox"
            commands = [[arguments.lox, "--mode", "interpret", source], [arguments.lox, source], [native]]
            best, printed = [math.inf] * 3, [""] * 3
            for _ in range(arguments.rounds):
                for i, command in enumerate(commands):
                    took, printed[i] = seconds(command)
                    best[i] = min(best[i], took)
            if len(set(printed)) != 1:
                sys.exit(f"{name} prints different things: {printed}")
            interpreted, auto, c = best
            c = max(c, 0.001)
            ratios.append(interpreted / auto)
            natives.append(auto / c)
            print(f"| {name} | {interpreted:.2f} | {auto:.2f} | {interpreted / auto:.1f} | {c:.2f} | {auto / c:.1f} |", flush=True)
    mean = [math.exp(sum(map(math.log, values)) / len(values)) for values in (ratios, natives)]
    print(f"| geometric mean | | | {mean[0]:.1f} | | {mean[1]:.1f} |")


if __name__ == "__main__":
    main()
