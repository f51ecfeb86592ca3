#!/usr/bin/env python3
"""Runs C programs natively and under osrctl in many modes, and compares what they print and how they end.

Each program is compiled to bitcode at -O0, -O1 and -O2 and for machines with and without AVX, so that every front-end shape
is seen; modes.py says which run takes which. A run that prints or exits otherwise than the native program is a failure, and
so is a mapping that is writable and executable, looked for while the program runs and at its end. At the end the transitions
of each kind are added up: a suite in which one kind never happened proves nothing and fails too, as does one in which a mode never
did what it is for.
"""
import argparse
import collections
import concurrent.futures
import json
import mmap
import os
import pathlib
import re
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from counting import KINDS, WATCHED, complaints, count, idle_modes, missing_kinds, works_of
from modes import LIBCXX_MODES, MODES, is_run_twice, libcxx_plan, missing_pairs, plan
from program import all_programs
from runs import code_mappings, has_text, processor_seconds, run, run_watched

def chosen_modes(options):
    """Says of each mode whether the options leave it in."""
    def is_chosen(mode):
        stress = mode[mode.index("--stress") + 1] if "--stress" in mode else None
        tier = mode[mode.index("--tier") + 1]
        return (not options.stress or (stress is not None and re.match(options.stress, stress))) and \
            (not options.tier or tier == options.tier) and (not options.verify or "--verify" in mode)
    return is_chosen


def with_options(mode, options):
    """The mode as it is run: what the command line says of all modes is put in its place."""
    for name, value in [("--rewrite", options.rewrite), ("--calls", options.calls)]:
        if value:
            at = mode.index(name) if name in mode else len(mode)
            mode = mode[:at] + mode[at + 2:] + [name, value]
    return mode


class Result:
    """What came of one program's runs."""

    def __init__(self):
        self.failures, self.counters, self.seconds = [], collections.Counter(), collections.Counter()
        self.works = collections.Counter() # by mode and what it is for
        self.runs = 0

    def add(self, other):
        self.failures += other.failures
        self.counters += other.counters
        self.works.update(other.works) # + would lose what is zero
        self.seconds += other.seconds
        self.runs += other.runs


def check(program, runs, options, folder):
    """Makes all runs of one program."""
    if not options.programs:
        program.compile(options.clang, options.libcxx, folder)
    arguments = [str(options.scale)]
    expected = run([str(program.native_path(folder)), *arguments], options.timeout)[:2]
    result = Result()
    with tempfile.TemporaryDirectory() as work:
        for each in runs:
            stats = pathlib.Path(work) / "statistics.json"
            stats.unlink(missing_ok=True)
            cache = [] if options.no_cache else ["--compile-cache", str(pathlib.Path(work) / each.level)]
            command = [options.osrctl, "run", *with_options(each.mode, options), *cache, "--stats", str(stats),
                       str(program.bitcode_path(folder, each.level)), "--", *arguments]
            begin = time.monotonic()
            for failure in check_run(each, command, stats, expected, options, result):
                result.failures.append(f"{each}: {failure}")
            result.seconds[" ".join(each.mode)] += time.monotonic() - begin
    return result


def check_run(each, command, stats, expected, options, result):
    """Yields what is wrong with one run, and counts in `result` what it did."""
    (output, status, errors), looks, both = run_watched(command, options.timeout)
    result.runs += 1
    result.counters[WATCHED] += looks
    if both:
        yield f"writable and executable: {both[0]}"
    if (output, status) != expected:
        yield (f"status {status}, expected {expected[1]}{'' if output == expected[0] else ', other output'}"
               f" {errors.decode(errors='replace')[-300:]}")
    elif status < 128 and not has_text(stats):
        yield "no statistics were written"
    if not has_text(stats):
        return
    counted = json.loads(stats.read_text())
    count(counted, result.counters)
    for kind, number in works_of(each.mode, counted):
        result.works[" ".join(each.mode), kind] += number
    yield from complaints(each.program, counted)
    if is_run_twice(each.mode) and is_deterministic(each.program, counted):
        run(command, options.timeout)
        result.runs += 1
        first, again = (without_times(each.get("tier_up", {})) for each in [counted, json.loads(stats.read_text())])
        if first != again:
            yield f"{first}, then {again}"


def is_deterministic(program, counted):
    return counted["threads"]["most_at_once"] == 1 and not program.handles_signals


def without_times(tier_up):
    return {key: value for key, value in tier_up.items() if key != "seconds"}


def sees_writable_code():
    """Whether the look at mappings finds one that is writable and executable: it would pass everything otherwise."""
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        return len(code_mappings(os.getpid())[1]) == 1


def parsed_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--programs", type=pathlib.Path, help="folder that compile.py has filled (default: compile now)")
    parser.add_argument("--scale", type=int, default=2, help="argument given to each program")
    parser.add_argument("--timeout", type=float, default=120)
    parser.add_argument("--full", action="store_true", help="each program in each mode at each level")
    parser.add_argument("--verify", action="store_true", help="only modes that check all frame states after each pass")
    parser.add_argument("--libcxx", action="store_true", help="C++ programs, compiled for libc++")
    parser.add_argument("--sanitized", action="store_true", help="osrctl has a sanitizer's heap, and none of its own")
    parser.add_argument("--rewrite", help="in all modes: how frames are sent to their stubs")
    parser.add_argument("--calls", help="in all modes: how code calls functions")
    parser.add_argument("--stress", help="only modes of which --stress matches this regular expression")
    parser.add_argument("--tier", help="only modes of this tier")
    parser.add_argument("--no-cache", action="store_true", help="each run compiles all of its code itself")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", help="programs to run (default: all)")
    return parser.parse_args()


def main():
    options = parsed_options()
    assert sees_writable_code()
    modes = LIBCXX_MODES if options.libcxx else MODES
    programs = [program for program in all_programs()
                if (program.is_for_libcxx or not options.libcxx) and not (program.needs_own_heap and options.sanitized)]
    runs = libcxx_plan(programs) if options.libcxx else plan(programs, modes, options.full)
    missing = [f"run of {one} with {other}" for one, other in missing_pairs(runs, programs, modes, options.libcxx)]
    is_chosen = chosen_modes(options)
    total = Result()
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = {}
        for program in sorted(programs, key=lambda program: program.weight, reverse=True): # no core waits for a late long one
            if not options.names or program.name in options.names:
                chosen = [each for each in runs if each.program is program and is_chosen(each.mode)]
                jobs[pool.submit(check, program, chosen, options, options.programs or pathlib.Path(work))] = program
        for job in concurrent.futures.as_completed(jobs):
            result = job.result()
            total.add(result)
            print(f"{'FAIL' if result.failures else 'ok  '} {jobs[job].name}: {result.runs} runs, "
                  f"{result.seconds.total():.1f} s, " + ", ".join(f"{result.counters[kind]} {kind}" for kind in KINDS), flush=True)
            for line in result.failures:
                print("     " + line, flush=True)
    for key, number in sorted(total.counters.items()):
        print(f"{key}: {number}")
    for mode, seconds in total.seconds.most_common():
        print(f"{seconds:.1f} s {mode}")
    missing += missing_kinds(total.counters, options) + idle_modes(total.works, options)
    if total.counters["uncertified"]:
        missing.append("certificate for each baseline site")
    for kind in missing:
        print(f"FAIL: there was no {kind}")
    print(f"{total.runs - len(total.failures)} passed, {len(total.failures) + len(missing)} failed; {processor_seconds()}")
    return 1 if total.failures or missing else 0


if __name__ == "__main__":
    sys.exit(main())
