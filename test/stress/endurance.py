#!/usr/bin/env python3
"""Minutes or hours of churn: does a running program stay right, and does nothing grow?

One program (endurance.c) runs all the time under --stress churn, while its mappings, descriptors and resident memory are
sampled. Beside it random programs are compared with native clang, also under churn, until the time is up.
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from front_end import bitcode_flags, machines

SECONDS_BETWEEN_SAMPLES = 0.3
THREADS = "abc"
EXPECTED = {f"thread {name}: 0 wrong, some rounds" for name in THREADS} | {"ended"}
# The last quarter of the samples against the second one. Memory that is given back later makes waves.
ALLOWED_GROWTH = {"mappings": 12, "descriptors": 0, "resident_kib": 6 * 1024}
ALLOWED_GROWTH_PER_HOUR = {"resident_kib": 8 * 1024}


def sample(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {"mappings": pathlib.Path(f"/proc/{pid}/maps").read_text().count("\n"),
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "resident_kib": int(re.search(r"VmRSS:\s+(\d+)", status).group(1))}


def start_churn(options, work):
    bitcode = work / "endurance.bc"
    subprocess.run([options.clang, "-w", *bitcode_flags("-O1", machines()[-1]), str(HERE / "endurance.c"), "-o", str(bitcode)],
                   check=True)
    command = [options.osrctl, "run", "--tier", "optimized", "--stress", f"churn:{options.hz}", "--stats", str(work / "statistics.json"),
               str(bitcode), "--", str(options.minutes * 60)]
    return subprocess.Popen(command, stdout=open(work / "output", "w"), stderr=subprocess.STDOUT)


def random_programs(options, end):
    """Slices of seeds until the time is up; true if all programs were right."""
    good = True
    for first in itertools.count(options.first, 12):
        if time.monotonic() > end - 60:
            return good
        command = [sys.executable, str(HERE / "csmith.py"), "--osrctl", options.osrctl, "--clang", options.clang,
                   "--first", str(first), "--count", "12", "--jobs", "1", "--any-number"]
        done = subprocess.run(command, capture_output=True, text=True)
        print(f"seeds {first}..{first + 11}: {done.stdout[-80:].strip()}", flush=True)
        if done.returncode:
            print(done.stdout + done.stderr)
            good = False


def watch(process):
    """Samples until the program has ended."""
    samples = []
    while process.poll() is None:
        try:
            samples.append(sample(process.pid))
        except (OSError, AttributeError):  # it is ending
            break
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    process.wait()
    return samples


def growth(samples, minutes):
    """Per quantity: how much more there is at the end than before the middle, and what is allowed."""
    quarter = len(samples) // 4
    for key in samples[0] if quarter else []:
        before = statistics.median(each[key] for each in samples[quarter:2 * quarter])
        after = statistics.median(each[key] for each in samples[-quarter:])
        allowed = ALLOWED_GROWTH[key] + ALLOWED_GROWTH_PER_HOUR.get(key, 0) * minutes / 60
        yield key, before, after, allowed


def check_end(process, work):
    output = (work / "output").read_text()
    if process.returncode != 0 or set(output.split("\n")) - {""} != EXPECTED:
        print(f"FAIL: the program ended with {process.returncode} and printed:\n{output}")
        return False
    counted = json.loads((work / "statistics.json").read_text())
    numbers = {"frames rewritten": counted["frames"]["rewritten"], "redefinitions": counted["redefined"],
               "code objects freed": counted["freed"]["objects"], **counted["transitions"]}
    refused = numbers.pop("refused", {})
    splits = numbers.pop("split")  # only a program with frames that hold inlined ones has some
    print("; ".join(f"{number} {name}" for name, number in numbers.items()), f"; {splits} split", sep="")
    print("longest pause: {:.6f} s; requests refused: {}".format(counted["requests"]["longest_pause_seconds"],
                                                                 counted["requests"]["refused"]))
    if refused:
        print(f"transitions refused: {refused}")
    missing = [name for name, number in numbers.items() if number == 0]
    for name in missing:
        print(f"FAIL: there were no {name}")
    return not missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--hz", type=int, default=500, help="operations per second that are tried")
    parser.add_argument("--first", type=int, default=100_000, help="first seed of the random programs")
    parser.add_argument("--no-random", dest="random", action="store_false", help="only the one program")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        process = start_churn(options, work)
        end = time.monotonic() + options.minutes * 60
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            seeds = beside.submit(random_programs, options, end) if options.random else None
            samples = watch(process)
            good = seeds is None or seeds.result()
        good &= check_end(process, work)
    for key, before, after, allowed in growth(samples, options.minutes):
        grew = after - before > allowed
        good &= not grew
        print(f"{'FAIL: ' if grew else ''}{key}: {before:g} before the middle, {after:g} at the end ({allowed:g} more allowed)")
    print("passed" if good else "failed")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
