#!/usr/bin/env python3
"""Whole runs of --tier auto with and without speculation, in turns; medians, and the ratio of the two.

The first programs are made of calls by pointer, the others are those of bench/tier_up.py, which speculation must not slow
down. A ratio above 1 is what speculation wins. `native` is clang -O2, which knows no profile.
"""
import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from tier_up import seconds_of
from tiers import SCALES, build, compile_both, geometric_mean, usual_arguments

FOLDER = pathlib.Path(__file__).resolve().parent / "programs"
MADE_OF_CALLS = {"indirect_stages.cpp": 150, "indirect_order.c": 250, "indirect_closures.c": 100}
OTHERS = {"rare_events.c": 150}
WAYS = {"with": ["--speculate"], "without": ["--no-speculate"]}


def measure(built, scale, options, work):
    """Median seconds by way, and what speculation says it did."""
    bitcode, native = built
    stats = work / "stats.json"
    commands = {way: [options.osrctl, "run", "--tier", "auto", *flags, *(["--stats", str(stats)] if way == "with" else []),
                      str(bitcode), "--", str(scale)] for way, flags in WAYS.items()}
    commands["native"] = [str(native), str(scale)]
    return seconds_of(bitcode.stem, [commands], options.runs), json.loads(stats.read_text())["speculation"]


def main():
    parser = usual_arguments(__doc__)
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
            built = compile_both(FOLDER / own[name][0], work, options) if name in own else build(name, work, options)
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
