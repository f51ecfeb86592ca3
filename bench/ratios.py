#!/usr/bin/env python3
"""Prints the ratios of the runtime's benchmarks as tables, each from one run of one process.

  bench/ratios.py --build build/release walk transition
  bench/ratios.py --build build/release --programs FOLDER         # all; FOLDER has the bitcode of bench/programs

Every benchmark is repeated and the repetitions of all ways are interleaved; medians count.
"""
import argparse
import collections
import json
import pathlib
import statistics
import subprocess
import time


def run(program, *arguments):
    """What Google Benchmark says in JSON, one object per run of a benchmark."""
    output = subprocess.run([program, *arguments, "--benchmark_format=json"], check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True).stdout
    return [each for each in json.loads(output[output.index("{\n"):])["benchmarks"] if each["run_type"] == "iteration"]


def print_table(title, heads, rows):
    print(f"\n== {title}")
    print(f"{'':32}" + "".join(f"{head:>22}" for head in heads))
    for name, *cells in rows:
        print(f"{name:32}" + "".join(f"{cell:>22}" for cell in cells))


def counters(run_of_benchmark):
    known = {"real_time", "cpu_time"}
    return {key: value for key, value in run_of_benchmark.items() if isinstance(value, float) and key not in known}


def walk(options):
    values = collections.defaultdict(lambda: collections.defaultdict(list))
    for each in run(options.build / "bench/walk_bench", "--benchmark_repetitions=9", "--benchmark_min_time=0.05",
                    "--benchmark_enable_random_interleaving=true"):
        way, frames = each["run_name"].removeprefix("walk/").split("/")
        values[int(frames)][way].append(each["per_frame"] * 1e9)
    rows = []
    for frames, ways in sorted(values.items()):
        median = {way: statistics.median(times) for way, times in ways.items()}
        rows += [(f"{frames} frames: {way}", f"{time:.1f}", f"{time / median['glibc_backtrace']:.3f}",
                  f"{time / median['unw_step']:.3f}") for way, time in median.items()]
    print_table("walk, per frame", ["ns", "of backtrace()", "of unw_step"], rows)


# What each way of a transition interrupts: its cost is what it takes more than that.
PLAIN_OF = {"in_place": "plain_optimized", "in_place_interpreted": "plain_optimized",
            "continuation": "plain_baseline", "continuation_warm_objects": "plain_baseline",
            "continuation_interpreted": "plain_baseline", "longjmp": "plain_jump", "throw": "plain_throw"}


def transition(options):
    for each in run(options.build / "bench/transition_bench"):
        times = counters(each)
        added = {way: times[way] - times[base] for way, base in PLAIN_OF.items()}
        state = each["name"].split("/")[1]
        print_table(f"transition of one frame, {state}: added to a call and return", ["ns", "of longjmp", "of throw"],
                    [(way, f"{time:.1f}", f"{time / added['longjmp']:.2f}", f"{time / added['throw']:.4f}")
                     for way, time in added.items()])


def pause(options):
    rows = []
    for each in run(options.build / "bench/pause_bench", options.programs / "parked.bc"):
        _, threads, frames = each["name"].split("/")[:3]
        times = counters(each)
        per_frame = 1000 * times["pause"] / (int(threads) * int(frames))
        rows.append((f"{threads} threads, {frames} frames", f"{times['pause']:.0f}", f"{per_frame:.0f}",
                     f"{times['request']:.0f}", f"{times['stops']:.0f}"))
    print_table("replacing all frames: pause", ["pause us", "ns per frame", "request us", "stops"], rows)


def patch(options):
    """Shortest times: what else the machine does can only add to these small ones."""
    times = {}
    for each in run(options.build / "bench/patch_bench", "--benchmark_repetitions=9", "--benchmark_min_time=0.02",
                    "--benchmark_enable_random_interleaving=true"):
        name = each["run_name"].removesuffix("/real_time")
        taken = each["per_call"] * 1e9 if "per_call" in each else each["real_time"]
        times[name] = min(taken, times.get(name, taken))
    bases = {"call/": "call/plain", "return/": "return/plain", "return/rewritten": "return/rewritten_pc_same"}
    for title in ["call", "redirect", "return", "replace"]:
        rows = []
        for name, taken in times.items():
            base = next((bases[start] for start in reversed(bases) if name.startswith(start)), None)
            if name.startswith(title + "/"):
                rows.append((name, f"{taken:.2f}", f"{taken / times[base]:.3f}" if base else ""))
        print_table(title, ["ns", "of the plain one"], rows)


def time_of(command):
    start = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def freeing(options):
    """The time is that from the request until the old code is freed; four threads are in the function nearly always."""
    activations = options.programs / "activations.bc"
    rows = []
    for mode in [], ["--count"]:
        for each in run(options.build / "bench/freeing_bench", *mode, activations):
            way, lifetime = each["name"].split("/")[:2]
            rows.append((f"{way}, activations of {int(lifetime) / 1000:g} ms", f"{each['median_us'] / 1000:.2f}",
                         f"{each['stops']:.0f}"))
    print_table("freeing replaced code", ["ms until freed", "stops of all threads"], rows)
    plain = [options.build / "osrctl/osrctl", "run", "--tier", "optimized", "--compile-ahead", options.programs / "calls.bc", "--", "36"]
    counting = [*plain[:2], "--count-residence", *plain[2:]]
    times = [(time_of(plain), time_of(counting)) for _ in range(7)]
    ratio = statistics.median(second / first for first, second in times)
    print(f"a program that only calls: with counted activations {ratio:.2f} of the time without")


TABLES = {"walk": walk, "transition": transition, "pause": pause, "patch": patch, "freeing": freeing}
NEED_PROGRAMS = {"pause", "freeing"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="folder of the build")
    parser.add_argument("--programs", type=pathlib.Path, help="folder with the bitcode of bench/programs")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"which to print: {', '.join(TABLES)}; default: all")
    options = parser.parse_args()
    for name in options.tables:
        if name not in TABLES:
            parser.error(f"no table '{name}'; there are {', '.join(TABLES)}")
    names = options.tables or list(TABLES)
    if NEED_PROGRAMS.intersection(names) and not options.programs:
        parser.error(f"{' and '.join(sorted(NEED_PROGRAMS))} need --programs")
    for name in names:
        TABLES[name](options)


if __name__ == "__main__":
    main()
