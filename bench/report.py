#!/usr/bin/env python3
"""The project's own programs in all ways by `osrctl bench`, with the runtime's own work: one JSON, one page.

  bench/report.py --osrctl PATH --build build/release --json docs/report.json --html docs/report.html
  bench/report.py ... --against docs/report.json      # what became slower than noise is named

Programs are those of bench/tiers.py, from -O2 bitcode, and three that print a line after each round of equal work, for throughput
over time. Walks, transitions (with longjmp and throw beside them) and requests are what the benchmarks of bench/ say.
"""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import ratios
from tiers import PROGRAMS, SCALES, header, usual_arguments

FOLDER = pathlib.Path(__file__).resolve().parent / "programs"
ROUNDS = {"interpreter": 4000, "sorting": 8000, "hashing": 12000}
WITH = {"speculating": "--tier auto --speculate", "calls-by-slot": "--tier auto --calls slot",
        "sampling": "--tier auto --tier-policy sampling"}


def bitcode(source, work, options, level):
    """A program of this project as `osrctl bench` takes it."""
    result = work / f"{source.stem}.bc"
    subprocess.run([options.clang, "-w", *header(source, "cflags"), f"-O{level}", "-emit-llvm", "-c", "-o", str(result),
                    str(source)], check=True)
    return result


def bench(options, work, *arguments):
    """The JSON of one call of osrctl bench; what it prints goes to stderr as it comes. Programs that failed are in it."""
    result = work / "result.json"
    ways = [word for name, flags in WITH.items() for word in ("--with", f"{name}={flags}")]
    subprocess.run([options.osrctl, "bench", "--clang", options.clang, "--runs", str(options.runs), "--json", str(result),
                    *ways, *arguments], stdout=sys.stderr, check=False)
    return json.loads(result.read_text())


def measure_programs(options, work):
    lines = work / "programs.txt"
    lines.write_text("".join(f"{name}: {bitcode(PROGRAMS / f'{name}.c', work, options, options.level)} -- {SCALES[name]}\n"
                             for name in options.names or SCALES))
    return bench(options, work, "--programs", str(lines))


def measure_throughput(options, work):
    program = bitcode(FOLDER / "warmup.c", work, options, options.level)
    lines = work / "rounds.txt"
    lines.write_text("".join(f"{name} in rounds: {program} -- {name} {rounds} lines\n" for name, rounds in ROUNDS.items()))
    return bench(options, work, "--terminal", "--programs", str(lines))


def table(title, unit, rows):
    return {"title": title, "unit": unit, "rows": [{"name": name, "values": values} for name, values in rows.items()]}


def walk_table(build):
    rows = collections.defaultdict(list)
    for each in ratios.run(build / "bench/walk_bench", "--benchmark_repetitions=9", "--benchmark_min_time=0.05",
                           "--benchmark_enable_random_interleaving=true"):
        way, frames = each["run_name"].removeprefix("walk/").split("/")
        rows[f"{frames} frames, {way}"].append(each["per_frame"] * 1e9)
    return table("Walks, per frame", "ns", rows)


def transition_table(build):
    """What each way takes more than the call and return that it interrupts."""
    rows = collections.defaultdict(list)
    for _ in range(3):
        for each in ratios.run(build / "bench/transition_bench"):
            times, state = ratios.counters(each), each["name"].split("/")[1]
            for way, plain in ratios.PLAIN_OF.items():
                rows[f"{way}, {state} caches"].append(times[way] - times[plain])
    return table("Transitions of one frame, longjmp and throw: more than a call and return", "ns", rows)


def request_tables(build, work, options):
    pauses, whole = collections.defaultdict(list), collections.defaultdict(list)
    parked = bitcode(FOLDER / "parked.c", work, options, 1)
    for _ in range(3):
        for each in ratios.run(build / "bench/pause_bench", str(parked)):
            _, threads, frames = each["name"].split("/")[:3]
            times = ratios.counters(each)
            pauses[f"{threads} threads, {frames} frames each"].append(times["pause"])
            whole[f"{threads} threads, {frames} frames each"].append(times["request"])
    return [table("Requests that replace all frames: threads stopped", "us", pauses),
            table("Requests that replace all frames: from the call to its end", "us", whole)]


def main():
    parser = usual_arguments(__doc__)
    parser.set_defaults(level=2)
    parser.add_argument("--build", required=True, type=pathlib.Path, help="folder of the build")
    parser.add_argument("--html", type=pathlib.Path, help="write the page to this file")
    parser.add_argument("--against", type=pathlib.Path, help="name what is worse than in this stored run")
    parser.add_argument("--no-tables", action="store_true", help="programs only")
    options = parser.parse_args()
    for name in options.names:
        if name not in SCALES:
            parser.error(f"no benchmark '{name}'; there are {', '.join(SCALES)}")
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        report = measure_programs(options, work)
        report["programs"] += measure_throughput(options, work)["programs"]
        if not options.no_tables:
            report["tables"] = [walk_table(options.build), transition_table(options.build),
                                *request_tables(options.build, work, options)]
        stored = options.json or work / "report.json"
        stored.write_text(json.dumps(report, indent=1) + "\n")
        extra = [["--html", options.html], ["--against", options.against], ["--json", options.json]]
        words = [str(word) for pair in extra if pair[1] for word in pair]
        return subprocess.run([options.osrctl, "bench", "--from", str(stored), *words]).returncode


if __name__ == "__main__":
    sys.exit(main())
