#!/usr/bin/env python3
"""Mutants of the test programs: mutate.cpp changes their IR at random, and native clang is compared with osrctl.

A mutant may do something undefined, so another output proves nothing: it is a note. What no program may bring about is a
failure: that osrctl or LLVM inside of it aborts, be it while all versions are only compiled; and, where clang's levels agree
that the mutant ends in order, that it ends by a signal or not at all here. What is refused has to be refused with a
reason, and these are counted by reason.

Mutants call what the program calls, with other arguments. So only programs are taken that can do no harm then.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "programs")]
from program import all_programs
from runs import shell_status

MODES = {
    "compile": ["code", "--continuations"],
    "baseline": ["run", "--tier", "baseline"],
    "optimized": ["run", "--tier", "optimized"],
    "every": ["run", "--tier", "optimized", "--stress", "every"],
    "random": ["run", "--tier", "baseline", "--stress", "random:{seed}"],
    "auto": ["run", "--tier", "auto", "--tier-threshold", "20", "--compile-threads", "0", "--speculate"],
}
LEVELS = ["-O0", "-O1", "-O2"]
CHANGES = [3, 10, 30, 80]
HARMLESS = re.compile(r"""_Z(n|d|NS|NKS|St|TI|TVN|TS).*|__cxa_\w+|__gxx_personality_v0|_Unwind_Resume|(std)(out|err)
    |(mem|str)\w+|v?s?n?f?printf|f?puts|f?putc|putchar|fwrite|fflush|malloc|calloc|realloc|free|abort|exit|qsort|bsearch|ato[il]
    |_?_?(set|long)jmp|_setjmp|is\w+|to(upper|lower)|__ctype_\w+|(sin|cos|tan|exp|log|sqrt|pow|floor|ceil|fmod|fabs|hypot|cbrt)\d*[fl]?""",
    re.VERBOSE)
ABORTED = re.compile(r"check failed:|LLVM ERROR|UNREACHABLE|Stack dump|PLEASE submit")
LIMITS = {"--fsize": 4 << 20, "--core": 0}
ENDLESS = {"timeout", 128 + 9, 128 + 24, 128 + 25}  # ends by limits: killed, of processor time, of a file's size


class Result:
    def __init__(self):
        self.failures, self.notes, self.counters = [], [], collections.Counter()


def run_limited(command, seconds, work):
    """(stdout, status, stderr) of what may print or run without end."""
    limits = [f"{limit}={value}" for limit, value in LIMITS.items()]
    with open(work / "stdout", "w+b") as output, open(work / "stderr", "w+b") as errors:
        try:
            done = subprocess.run(["prlimit", *limits, f"--cpu={seconds}", "--", *command], stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=errors, timeout=10 * seconds, cwd=work)
            status = shell_status(done.returncode)
        except subprocess.TimeoutExpired:
            status = "timeout"
        output.seek(0)
        errors.seek(0)
        return output.read(), "endless" if status in ENDLESS else status, errors.read().decode(errors="replace")


def is_harmless(bitcode):
    names = subprocess.run(["llvm-nm-22", "--undefined-only", "--format=just-symbols", str(bitcode)], capture_output=True, text=True,
                           check=True).stdout.split()
    return all(HARMLESS.fullmatch(name) for name in names)


def native(mutant, program, options, work):
    """How it ends at each level; an empty list if clang has no code for it."""
    outcomes = []
    for level in ["-O0", "-O2"]:
        path = work / f"native{level}"
        driver = [options.clang, *(["--driver-mode=g++"] if program.is_cxx else []), "-w", level, "-x", "ir", str(mutant)]
        _, status, _ = run_limited([*driver, "-o", str(path), *program.libs, "-lm"], 60, work)
        if status != 0:
            return []
        outcomes.append(run_limited([str(path), "1"], options.native_seconds, work)[:2])
    return outcomes


def judge(result, where, expected, outcome):
    output, status, errors = outcome
    is_signal = isinstance(status, int) and status > 128
    native_signals = {known for _, known in expected if isinstance(known, int) and known > 128}
    agreed = len(expected) == 2 and expected[0] == expected[1] and not native_signals  # a signal is something undefined
    if ABORTED.search(errors):
        result.failures.append(f"{where}: aborted: {errors.strip()[-400:]}")
    elif status == 1 and errors.startswith("osrctl: "):
        reason = re.sub(r"'[^']*'|\d+", "_", errors.splitlines()[0])
        result.counters[f"{'refused' if expected else 'without native code'}: {reason[:160]}"] += 1
        if expected:
            result.notes.append(f"{where}: {errors.splitlines()[0][:300]}")
    elif not expected:
        result.counters["without native code, and run"] += 1
    elif (output, status) in expected:
        result.counters["as natively"] += 1
    elif agreed and (is_signal or status == "endless"):
        result.failures.append(f"{where}: status {status}, natively {expected[0][1]}")
    else:
        result.counters["otherwise" if agreed else "undefined"] += 1
        if agreed:
            result.notes.append(f"{where}: status {status}, natively {expected[0][1]}"
                                f"{'' if output == expected[0][0] else ', other output'}")


def modes_of(seed, options):
    """All versions are compiled, and the mutant runs in one mode: they take turns."""
    running = [name for name in options.modes if name != "compile"]
    return [*(["compile"] if "compile" in options.modes else []), *([running[seed % len(running)]] if running else [])]


def check(seed, bitcodes, options):
    result = Result()
    program, bitcode = bitcodes[seed % len(bitcodes)]
    where = f"seed {seed} {bitcode.stem}"
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        mutant = work / "mutant.bc"
        changes = CHANGES[seed // len(bitcodes) % len(CHANGES)]
        if run_limited([str(options.mutator), str(seed), str(changes), str(bitcode), str(mutant)], 60, work)[1] != 0:
            result.counters["broken by the mutator"] += 1
            return result
        expected = native(mutant, program, options, work)
        for name in modes_of(seed, options):
            mode = [word.format(seed=seed) for word in MODES[name]]
            arguments = [] if name == "compile" else ["--", "1"]
            outcome = run_limited([options.osrctl, *mode, str(mutant), *arguments], options.seconds, work)
            if name == "compile":  # its output is a table
                outcome = (b"", outcome[1], outcome[2])
                judge(result, f"{where} {name}", [(b"", 0)] * 2 if expected else [], outcome)
            elif any(status == "endless" for _, status in expected):
                result.counters["endless natively"] += 1
            else:
                judge(result, f"{where} {name}", expected, outcome)
        if options.keep and (result.failures or result.notes):
            shutil.copy(mutant, pathlib.Path(options.keep) / f"mutant{seed}.bc")
    return result


def harmless_bitcodes(options, folder):
    """(program, bitcode) of each level."""
    found = []
    for program in all_programs():
        if options.programs and program.name not in options.programs:
            continue
        program.compile(options.clang, False, folder)
        found += [(program, program.bitcode_path(folder, level)) for level in LEVELS
                  if is_harmless(program.bitcode_path(folder, level))]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    build = HERE.parents[1] / "build/release/test"
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--mutate", type=int, default=300, metavar="N", dest="count", help="number of mutants")
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--mutator", default=build / "mutate", metavar="PROGRAM", help="what makes them (%(default)s)")
    parser.add_argument("--modes", type=lambda text: text.split(","), default=list(MODES), help=", ".join(MODES))
    parser.add_argument("--programs", type=lambda text: text.split(","), help="names of programs (default: all harmless ones)")
    parser.add_argument("--native-seconds", type=int, default=2, help="until a native run counts as endless")
    parser.add_argument("--seconds", type=int, default=10, help="of processor time until a run under osrctl counts as endless")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", help="folder for mutants that failed or gave a note")
    options = parser.parse_args()

    counters, failed = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        bitcodes = harmless_bitcodes(options, pathlib.Path(folder))
        print(f"{len(bitcodes)} bitcodes", flush=True)
        seeds = range(options.first, options.first + options.count)
        for number, result in enumerate(pool.map(lambda seed: check(seed, bitcodes, options), seeds), 1):
            counters += result.counters
            failed += len(result.failures)
            for line in [*(f"note {note}" for note in result.notes), *(f"FAIL {failure}" for failure in result.failures)]:
                print(line, flush=True)
            if number % 50 == 0:
                print(f"{number} mutants, {failed} failures", flush=True)
    for what, times in counters.most_common():
        print(f"{times} {what}")
    ran = counters["as natively"]
    if ran * 5 < options.count:
        print("FAIL: hardly any mutant ran as natively, which proves nothing")
    print(f"{failed} failures")
    return 1 if failed or ran * 5 < options.count else 0


if __name__ == "__main__":
    sys.exit(main())
