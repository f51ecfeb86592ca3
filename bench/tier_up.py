#!/usr/bin/env python3
"""Time to result of --tier auto, against each tier alone, native code and LLVM's own JIT.

Each program runs as a whole process (compiling included) in turns (auto, baseline, optimised first, lli, native, auto, ...),
so that a machine that slows down slows all; each figure is the median, or with --fastest the shortest, which says more
about code where a machine is shared. The bitcode is made at -O2, as native code is
(--level asks for another). `steady` compares the last third of a run half as long again: what auto and native took for
the additional work. With --plot, throughput of small equal rounds of work from the first instruction on is drawn.
"""
import json
import math
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import throughput_plot
from tiers import SCALES, build, compile_both, geometric_mean, output_of, usual_arguments

TIERS = {
    "auto": ["--tier", "auto"],
    "sampling": ["--tier", "auto", "--tier-policy", "sampling"],
    "baseline": ["--tier", "baseline"],
    "optimized": ["--tier", "optimized", "--compile-ahead"],
}
WARMUP = pathlib.Path(__file__).resolve().parent / "programs" / "warmup.c"
ROUNDS = {"interpreter": 4000, "sorting": 8000, "hashing": 12000}


def commands_of(options, bitcode, native, *arguments):
    """Every way to run a program, by name."""
    commands = {tier: [options.osrctl, "run", *mode, "--calls", options.calls, str(bitcode), "--", *arguments]
                for tier, mode in TIERS.items()}
    if options.lli:
        commands["lli"] = [options.lli, str(bitcode), *arguments]
    commands["native"] = [str(native), *arguments]
    return commands


def timed(command):
    start = time.perf_counter()
    output = output_of(command)
    return time.perf_counter() - start, output


def seconds_of(name, groups, runs, choose=statistics.median):
    """The chosen seconds of each command, by its name. All run in turns; those of one group must print the same."""
    seconds, outputs = {}, [set() for _ in groups]
    for _ in range(runs):
        for group, printed in zip(groups, outputs):
            for way, command in group.items():
                taken, output = timed(command)
                seconds.setdefault(way, []).append(taken)
                printed.add(output)
            if len(printed) != 1:
                sys.exit(f"{name}: not every way prints the same")
    return {way: choose(values) for way, values in seconds.items()}


def measure(name, options, work):
    """Seconds by way; also of auto and native with half as much work again ("auto longer")."""
    bitcode, native = build(name, work, options)
    once = commands_of(options, bitcode, native, str(SCALES[name]))
    longer = commands_of(options, bitcode, native, str(SCALES[name] * 3 // 2))
    groups = [once, {f"{way} longer": longer[way] for way in ["auto", "native"]}]
    return seconds_of(name, groups, options.runs, min if options.fastest else statistics.median)


# Headings and cells of the table, in the order of the columns.
COLUMNS = [
    ("native s", lambda s: s["native"]),
    ("auto s", lambda s: s["auto"]),
    ("/best", lambda s: s["auto"] / min(s["baseline"], s["optimized"])),
    ("/base", lambda s: s["auto"] / s["baseline"]),
    ("/opt", lambda s: s["auto"] / s["optimized"]),
    ("/lli", lambda s: s["auto"] / s["lli"] if "lli" in s else math.nan),
    ("/native", lambda s: s["auto"] / s["native"]),
    ("steady", lambda s: (s["auto longer"] - s["auto"]) / (s["native longer"] - s["native"])),
    ("sampl.", lambda s: s["sampling"] / min(s["baseline"], s["optimized"])),
]
LEGEND = """seconds of the whole process; /best: auto relative to the better of baseline only and everything optimised first; /base, /opt,
/lli, /native: relative to each; steady: additional time for additional work, relative to native; sampl.: as /best, by sampling"""


def print_row(name, cells):
    print(f"{name:20}" + " ".join(f"{cell:>8}" for cell in cells), flush=True)


def measure_warmup(options, work):
    """Seconds since the process was started, at the end of each round: by kernel and way."""
    bitcode, native = compile_both(WARMUP, work, options)
    result = {}
    for kernel, rounds in ROUNDS.items():
        for way, command in commands_of(options, bitcode, native, kernel, str(rounds)).items():
            start = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
            stamps = [int(line) for line in output_of(command).split()]
            result.setdefault(kernel, {})[way] = [(stamp - start) / 1e9 for stamp in stamps]
    return result


def main():
    parser = usual_arguments(__doc__)
    parser.set_defaults(level=2)
    parser.add_argument("--lli", default=shutil.which("lli-22"), help="LLVM's own JIT (default: lli-22, if there is one)")
    parser.add_argument("--calls", choices=["slot", "direct"], default="direct", help="how compiled code calls functions")
    parser.add_argument("--fastest", action="store_true", help="the shortest time of each kind counts, not the median")
    parser.add_argument("--plot", type=pathlib.Path, help="write throughput over time to this SVG file")
    options = parser.parse_args()
    for name in options.names:
        if name not in SCALES:
            parser.error(f"no benchmark '{name}'; there are {', '.join(SCALES)}")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        if options.plot:
            options.plot.write_text(throughput_plot.draw(measure_warmup(options, work)))
        print_row("program", [title for title, _ in COLUMNS])
        for name in options.names or SCALES:
            results[name] = measure(name, options, work)
            print_row(name, [f"{cell(results[name]):.3f}" for _, cell in COLUMNS])
    means = [geometric_mean(cell(each) for each in results.values()) for _, cell in COLUMNS]
    print_row("geometric mean", ["", "", *(f"{mean:.3f}" for mean in means[2:])])
    print(LEGEND)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
