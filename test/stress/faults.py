#!/usr/bin/env python3
"""Tests the tests: one transition is made wrong on purpose, and the comparison with the native run has to notice it.

Not every fault can be seen: a misplaced value may happen to hold the same bits. So each kind of fault is seeded at
many places of several programs, and a kind that is noticed in less than a third of the runs fails.
"""
import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from runs import processor_seconds, run, within_processor_seconds

KINDS = ["record", "slot", "callee-saved"]
NUMBERS = [1, 2, 3, 5, 8, 13, 21, 34]
PROGRAMS = ["many_live_values", "recursion_classics", "lisp", "struct_abi"]
STRESS = "every:3"  # frames that stay see what a neighbour's transition did to their registers
PATIENCE = 3  # a program gone wrong may run for ever: that has been noticed when it takes that many times as long


def command_of(options, bitcode, *others):
    return [options.osrctl, "run", "--tier", "optimized", "--stress", STRESS, *others, str(bitcode), "--", "1"]


def sound_run(options, bitcode):
    """What it prints and how it ends without a fault, and a generous limit in whole seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    expected = run(command_of(options, bitcode), options.timeout)[:2]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return expected, math.ceil(PATIENCE * used)


def seed(options, bitcode, expected, limit, kind, number, work):
    """None if the program has no such place, else whether the fault was noticed."""
    statistics = work / f"{bitcode.stem}-{kind}-{number}.json"
    command = command_of(options, bitcode, "--fault", f"{kind}:{number}", "--stats", str(statistics))
    found = run(within_processor_seconds(command, limit), options.timeout)[:2]
    # A run that died left no statistics: only the fault can have killed it.
    if found == expected and not json.loads(statistics.read_text())["fault_seeded"]:
        return None
    return found != expected


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--timeout", type=float, default=120)
    options = parser.parse_args()
    sources = pathlib.Path(__file__).parent.parent / "programs"
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        work = pathlib.Path(folder)
        results = {kind: [] for kind in KINDS}
        sound = {}
        for name in PROGRAMS:  # nothing runs beside these: their time is measured
            bitcode = work / f"{name}.bc"
            subprocess.run([options.clang, "-w", "-O1", "-emit-llvm", "-c", str(sources / f"{name}.c"), "-o",
                            str(bitcode)], check=True)
            sound[bitcode] = sound_run(options, bitcode)
        for bitcode, (expected, limit) in sound.items():
            if expected[1] != 0:
                print(f"FAIL: {bitcode.stem} ends with {expected[1]} without any fault")
                failed += 1
                continue
            for kind in KINDS:
                results[kind] += [pool.submit(seed, options, bitcode, expected, limit, kind, number, work)
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
