#!/usr/bin/env python3
"""Times the benchmark programs of test/programs in each tier, relative to the same IR without any sites.

`plain` is LLVM's -O2 of the same canonical IR by the same code generator in the same process; `optimized` adds the
sites and their records, `baseline` is the tier that frames can land in. All code is compiled before the program
starts, and only the program is timed. The runs of one program are interleaved (A B C A B C ...), so that a machine
that slows down slows all of them; each figure is the median.
"""
import argparse
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent / "test" / "programs"
# The scale argument at which plain -O2 code runs 0.3 to 1.5 s on an x86-64 server core.
SCALES = {
    "backtracking": 100,
    "balanced_trees": 100,
    "bignum_int128": 100,
    "complex_fft": 100,
    "compressor": 100,
    "computed_goto_vm": 100,
    "digests": 100,
    "dijkstra": 100,
    "dispatch_tables": 100,
    "expression_parser": 100,
    "hash_table": 100,
    "lisp": 100,
    "numeric_kernels": 100,
    "recursion_classics": 100,
    "recursive_vm": 100,
}
TIERS = ["plain", "optimized", "baseline"]


def header(path, key):
    """The flags that a program's header asks for (see test/programs/README.md)."""
    found = re.search(rf"^// {key}: (.*)$", path.read_text(), re.M)
    return found.group(1).split() if found else []


def compile_both(source, work, options):
    """Bitcode (of the level asked for) and a native executable (-O2)."""
    driver = [options.clang, *(["--driver-mode=g++"] if source.suffix == ".cpp" else [])]
    common = [*driver, "-w", *header(source, "cflags"), str(source)]
    bitcode, native = work / f"{source.stem}.bc", work / f"{source.stem}.native"
    subprocess.run([*common, f"-O{options.level}", "-emit-llvm", "-c", "-o", str(bitcode)], check=True)
    subprocess.run([*common, "-O2", "-o", str(native), *header(source, "libs"), "-lm"], check=True)
    return bitcode, native


def build(name, work, options):
    """The same of a program of SCALES."""
    return compile_both(PROGRAMS / f"{name}.c", work, options)


def output_of(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def run_native(native, scale):
    """The process as a whole: its start takes about a millisecond."""
    start = time.perf_counter()
    output = output_of([str(native), str(scale)])
    return output, time.perf_counter() - start


def run_tier(osrctl, tier, bitcode, scale, work):
    stats = work / "stats.json"
    command = [osrctl, "run", "--tier", tier, "--compile-ahead", "--stats", str(stats), str(bitcode), "--", str(scale)]
    return output_of(command), json.loads(stats.read_text())


def compiled(stats):
    """The counters of the only tier that a run without stress compiles."""
    (tier,) = stats["compile"].values()
    return tier


def measure(name, options, work):
    bitcode, native = build(name, work, options)
    scale = SCALES[name]
    seconds = {key: [] for key in ["native", *TIERS]}
    compile_seconds = {tier: [] for tier in TIERS}
    last = {}
    for _ in range(options.runs):
        expected, native_seconds = run_native(native, scale)
        seconds["native"].append(native_seconds)
        for tier in TIERS:
            output, stats = run_tier(options.osrctl, tier, bitcode, scale, work)
            if output != expected:
                sys.exit(f"{name}: {tier} prints something else than the native program")
            seconds[tier].append(stats["program"]["seconds"])
            compile_seconds[tier].append(compiled(stats)["seconds"])
            last[tier] = stats
    return {
        "scale": scale,
        "seconds": {key: statistics.median(values) for key, values in seconds.items()},
        "compile_seconds": {key: statistics.median(values) for key, values in compile_seconds.items()},
        "code_bytes": {tier: compiled(last[tier])["code_bytes"] for tier in TIERS},
        "maps": {tier: {key: compiled(last[tier])[key] for key in ["sites", "spilled", "map_bytes_raw", "map_bytes_compact"]}
                 for tier in ["optimized", "baseline"]},
    }


def ratio(result, tier):
    return result["seconds"][tier] / result["seconds"]["plain"]


def bytes_per_site(result, tier, form):
    maps = result["maps"][tier]
    return maps[f"map_bytes_{form}"] / max(1, maps["sites"])


# Headings and cells of the table, in the order of the columns.
COLUMNS = [
    ("plain s", lambda r: f"{r['seconds']['plain']:.3f}"),
    ("native", lambda r: f"{ratio(r, 'native'):.3f}"),
    ("optim.", lambda r: f"{ratio(r, 'optimized'):.3f}"),
    ("basel.", lambda r: f"{ratio(r, 'baseline'):.2f}"),
    ("plain ms", lambda r: f"{1000 * r['compile_seconds']['plain']:.0f}"),
    ("opt ms", lambda r: f"{1000 * r['compile_seconds']['optimized']:.0f}"),
    ("base ms", lambda r: f"{1000 * r['compile_seconds']['baseline']:.0f}"),
    ("plain B", lambda r: f"{r['code_bytes']['plain']}"),
    ("opt B", lambda r: f"{r['code_bytes']['optimized']}"),
    ("base B", lambda r: f"{r['code_bytes']['baseline']}"),
    ("sites", lambda r: f"{r['maps']['optimized']['sites']}"),
    ("slots", lambda r: f"{r['maps']['optimized']['spilled']}"),
    ("raw/site", lambda r: f"{bytes_per_site(r, 'optimized', 'raw'):.1f}"),
    ("opt/site", lambda r: f"{bytes_per_site(r, 'optimized', 'compact'):.1f}"),
    ("base/site", lambda r: f"{bytes_per_site(r, 'baseline', 'compact'):.1f}"),
]
LEGEND = """plain s: seconds of plain -O2; native, optim., basel.: run time relative to it (native is clang -O2, whole process).
ms: compile time of all functions; B: bytes of code; sites, slots: calls with a record in optimised code, and how many
of them needed stack slots of their own; raw/site, opt/site, base/site: bytes of stack map per site as LLVM wrote them
(optimised tier) and as they are kept."""


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def summary(results):
    """Geometric means of the relative times; bytes per site over all sites together."""
    result = {key: geometric_mean(ratio(each, key) for each in results.values())
              for key in ["native", "optimized", "baseline"]}
    for tier in ["optimized", "baseline"]:
        total = {key: sum(each["maps"][tier][key] for each in results.values())
                 for key in ["sites", "map_bytes_raw", "map_bytes_compact"]}
        for form in ["raw", "compact"]:
            result[f"{tier}_{form}_bytes_per_site"] = total[f"map_bytes_{form}"] / max(1, total["sites"])
    for tier in ["optimized", "baseline"]:
        result[f"{tier}_compile_ratio"] = geometric_mean(
            each["compile_seconds"][tier] / each["compile_seconds"]["plain"] for each in results.values())
    return result


def print_row(name, cells):
    print(f"{name:20}" + " ".join(f"{cell:>{max(7, len(title))}}" for cell, (title, _) in zip(cells, COLUMNS)), flush=True)


def usual_arguments(description):
    """A parser of what each benchmark of whole programs takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--level", type=int, choices=[0, 1, 2], default=1,
                        help="clang's -O level of the bitcode (default %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each kind; the median counts (default 5)")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    parser.add_argument("names", nargs="*", metavar="PROGRAM", help="programs to run (default: all)")
    return parser


def main():
    parser = usual_arguments(__doc__)
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    for name in options.names:
        if name not in SCALES:
            parser.error(f"no benchmark '{name}'; there are {', '.join(SCALES)}")

    results = {}
    print_row("program", [title for title, _ in COLUMNS])
    with tempfile.TemporaryDirectory() as work:
        for name in options.names or SCALES:
            results[name] = measure(name, options, pathlib.Path(work))
            print_row(name, [cell(results[name]) for _, cell in COLUMNS])
    means = summary(results)
    print_row("geometric mean", ["", *(f"{means[key]:.3f}" for key in ["native", "optimized", "baseline"])])
    print(f"compile time relative to plain: optimised {means['optimized_compile_ratio']:.2f}, "
          f"baseline {means['baseline_compile_ratio']:.2f}")
    print(f"stack map bytes per site, all programs together: optimised {means['optimized_raw_bytes_per_site']:.1f} raw, "
          f"{means['optimized_compact_bytes_per_site']:.1f} kept; baseline {means['baseline_raw_bytes_per_site']:.1f} raw, "
          f"{means['baseline_compact_bytes_per_site']:.1f} kept")
    print(LEGEND)
    if options.json:
        options.json.write_text(json.dumps({"programs": results, "summary": means}, indent=2) + "\n")


if __name__ == "__main__":
    main()
