#!/usr/bin/env python3
"""Tests the tests: one transition is made wrong on purpose, and the comparison with the native run has to notice it.

Not every fault can be seen: a misplaced value may happen to hold the same bits. So each kind of fault is seeded at
many places of several programs, and a kind that is noticed in less than a third of the runs fails.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from runs import processor_seconds, run

KINDS = ["record", "slot", "callee-saved"]
NUMBERS = [1, 2, 3, 5, 8, 13, 21, 34]
PROGRAMS = ["many_live_values", "recursion_classics", "lisp", "struct_abi"]
STRESS = "every:3"  # frames that stay see what a neighbour's transition did to their registers


def outcome(command, timeout):
    return run(command, timeout)[:2]


def seed(options, bitcode, expected, kind, number, work):
    """None if the program has no such place, else whether the fault was noticed."""
    statistics = work / f"{bitcode.stem}-{kind}-{number}.json"
    found = outcome([options.osrctl, "run", "--tier", "optimized", "--stress", STRESS, "--fault", f"{kind}:{number}", "--stats",
                     str(statistics), str(bitcode), "--", "1"], options.timeout)
    # A run that died left no statistics: only the fault can have killed it.
    if found == expected and not json.loads(statistics.read_text())["fault_seeded"]:
        return None
    return found != expected


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--timeout", type=float, default=5)
    options = parser.parse_args()
    sources = pathlib.Path(__file__).parent.parent / "programs"
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = pathlib.Path(folder)
        results = {kind: [] for kind in KINDS}
        for name in PROGRAMS:
            bitcode = work / f"{name}.bc"
            subprocess.run([options.clang, "-w", "-O1", "-emit-llvm", "-c", str(sources / f"{name}.c"), "-o",
                            str(bitcode)], check=True)
            sound = [options.osrctl, "run", "--tier", "optimized", "--stress", STRESS, str(bitcode), "--", "1"]
            expected = outcome(sound, options.timeout)
            if expected[1] != 0:
                print(f"FAIL: {name} ends with {expected[1]} without any fault")
                failed += 1
                continue
            for kind in KINDS:
                results[kind] += [pool.submit(seed, options, bitcode, expected, kind, number, work)
                                  for number in NUMBERS]
        for kind, jobs in results.items():
            noticed = [job.result() for job in jobs if job.result() is not None]
            good = len(noticed) >= len(NUMBERS) and sum(noticed) * 3 >= len(noticed)
            print(f"{'ok  ' if good else 'FAIL'} {kind}: {len(noticed)} faults seeded, {sum(noticed)} noticed")
            passed += good
            failed += not good
    print(f"{passed} passed, {failed} failed; {processor_seconds()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
