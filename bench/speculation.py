#!/usr/bin/env python3
"""Whole runs of --tier auto with and without speculation, in turns; medians, and the ratio of the two.

The first programs are made of calls by pointer, the others are those of bench/tier_up.py, which speculation must not slow
down. A ratio above 1 is what speculation wins. `native` is clang -O2, which knows no profile.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tier_up import geometric_mean
from tiers import SCALES, build, output_of

FOLDER = pathlib.Path(__file__).resolve().parent / "programs"
MADE_OF_CALLS = {"indirect_stages.cpp": 150, "indirect_order.c": 250, "indirect_closures.c": 100}
OTHERS = {"rare_events.c": 150}
WAYS = {"with": ["--speculate"], "without": ["--no-speculate"]}


def build_own(name, work, clang):
    source = FOLDER / name
    driver = [clang, *(["--driver-mode=g++"] if source.suffix == ".cpp" else []), "-w", str(source)]
    bitcode, native = work / f"{source.stem}.bc", work / f"{source.stem}.native"
    subprocess.run([*driver, "-O1", "-emit-llvm", "-c", "-o", str(bitcode)], check=True)
    subprocess.run([*driver, "-O2", "-o", str(native)], check=True)
    return bitcode, native


def timed(command):
    start = time.perf_counter()
    output = output_of(command)
    return time.perf_counter() - start, output


def measure(built, scale, options, work):
    """Median seconds by way, and what speculation says it did."""
    bitcode, native = built
    stats = work / "stats.json"
    commands = {way: [options.osrctl, "run", "--tier", "auto", *flags, *(["--stats", str(stats)] if way == "with" else []),
                      str(bitcode), "--", str(scale)] for way, flags in WAYS.items()}
    commands["native"] = [str(native), str(scale)]
    seconds, outputs = {}, set()
    for _ in range(options.runs):
        for way, command in commands.items():
            taken, output = timed(command)
            seconds.setdefault(way, []).append(taken)
            outputs.add(output)
    if len(outputs) != 1:
        sys.exit(f"{bitcode.stem}: not every way prints the same")
    return {way: statistics.median(values) for way, values in seconds.items()}, json.loads(stats.read_text())["speculation"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind; the median counts (default 5)")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help="programs to run (default: all)")
    options = parser.parse_args()
    own = {pathlib.Path(name).stem: (name, scale) for name, scale in {**MADE_OF_CALLS, **OTHERS}.items()}
    unknown = [name for name in options.names if name not in own and name not in SCALES]
    if unknown:
        parser.error(f"no benchmark '{unknown[0]}'; there are {', '.join([*own, *SCALES])}")
    results = {}
    print(f"{'program':20} {'with s':>8} {'without s':>9} {'native s':>8} {'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for name in options.names or [*own, *SCALES]:
            built = build_own(own[name][0], work, options.clang) if name in own else build(name, work, options.clang)
            seconds, made = measure(built, own[name][1] if name in own else SCALES[name], options, work)
            ratio = seconds["without"] / seconds["with"]
            results[name] = {**seconds, "ratio": ratio, "speculation": made}
            print(f"{name:20} {seconds['with']:8.3f} {seconds['without']:9.3f} {seconds['native']:8.3f} {ratio:7.2f}  "
                  + ", ".join(f"{count} {what}" for what, count in made.items()), flush=True)
    groups = {"made of calls": [name for name in results if f"{name}.c" in MADE_OF_CALLS or f"{name}.cpp" in MADE_OF_CALLS],
              "others": [name for name in results if name in SCALES]}
    for title, names in groups.items():
        if names:
            print(f"{title}, geometric mean: {geometric_mean([results[name]['ratio'] for name in names]):.2f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
