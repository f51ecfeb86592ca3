#!/usr/bin/env python3
"""Compiles one program of many features with many sets of flags of clang, natively and to bitcode, and compares.

Not part of the tests: `./dev flags` runs it. With each set osrctl has to do what the native program does, or to refuse
the program by name before it starts: exit status 1, a message, and no output of the program.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support")]
from runs import run

# A set a line. "lto" takes the bitcode of -flto; "profile" first makes a profile by a native run with
# -fprofile-generate.
SETS = """
-O0
-O1
-O2
-O3
-Os
-Oz
-Og
-O2 -g
-O2 -gline-tables-only
-O2 -fno-omit-frame-pointer
-O2 -fomit-frame-pointer -momit-leaf-frame-pointer
-O1 -pg
-O1 -pg -mfentry
-O2 -fsanitize=kcfi
-O2 -flto -fvisibility=hidden -fsanitize=cfi lto
-O1 -fsanitize=address
-O1 -fsanitize=undefined
-O1 -fsanitize=undefined -fsanitize-trap=undefined
-O1 -fsanitize=undefined -fsanitize-minimal-runtime
-O1 -fsanitize=safe-stack
-O1 -fsanitize=thread
-O1 -fsanitize-coverage=trace-pc-guard,no-prune
-O1 -fprofile-generate
-O1 -fprofile-instr-generate
-O1 -fprofile-instr-generate -fcoverage-mapping
-O2 profile
-O2 --coverage
-O2 -fcf-protection=full
-O2 -fcf-protection=branch
-O2 -mspeculative-load-hardening
-O2 -mretpoline
-O2 -mlvi-cfi
-O2 -fzero-call-used-regs=all
-O2 -fzero-call-used-regs=used-gpr
-O2 -fstack-clash-protection
-O1 -fstack-protector-all
-O1 -fstack-protector-strong
-O2 -mcmodel=medium
-O2 -mcmodel=large
-O2 -march=native
-O2 -march=x86-64-v2
-O2 -march=x86-64-v3
-O2 -mavx -mprefer-vector-width=128
-O2 -mno-sse3 -mno-red-zone
-O2 -mstackrealign
-O2 -ffp-model=strict
-O2 -ffast-math
-O2 -ffp-contract=fast -mfma
-O2 -frounding-math -ftrapping-math
-O2 -flto -fvisibility=hidden -fwhole-program-vtables -fvirtual-function-elimination lto
-O2 -flto=thin lto
-O1 -finstrument-functions
-O1 -finstrument-functions-after-inlining
-O1 -fpatchable-function-entry=4,2
-O1 -fpatchable-function-entry=2
-O1 -ftrivial-auto-var-init=pattern
-O1 -ftrivial-auto-var-init=zero
-O2 -fno-plt
-O2 -fPIC
-O2 -fPIE
-O2 -fno-pic -no-pie
-O2 -ffunction-sections -fdata-sections
-O2 -fasynchronous-unwind-tables -fno-unwind-tables
-O2 -femulated-tls
-O2 -ftls-model=local-exec
-O2 -fno-strict-aliasing -fwrapv
-O2 -fno-builtin
-O2 -fsplit-stack
-O2 -fbasic-block-sections=all
-O2 -fsplit-machine-functions
-O2 -fexperimental-new-constant-interpreter
-O2 -fmerge-all-constants
-O2 -fno-inline
-O2 -fstrict-vtable-pointers
-O2 -fxray-instrument -fxray-instruction-threshold=1
-O2 -D_FORTIFY_SOURCE=2
-O2 -D_GLIBCXX_ASSERTIONS -D_GLIBCXX_DEBUG
-O2 -std=c++20
-O2 -mllvm -enable-ext-tsp-block-placement
""".strip().splitlines()
MODES = [["--tier", "baseline"], ["--tier", "optimized"], ["--tier", "auto"],
         ["--tier", "optimized", "--stress", "every"], ["--tier", "baseline", "--stress", "random:1"],
         ["--tier", "optimized", "--stress", "async:500"]]


class Unusable(Exception):
    """What the compiler itself cannot do with the set."""


def compile(command, what):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or ["?"]
        raise Unusable(f"{what}: {lines[0][:160]}")


def build(flags, work, options):
    words = flags.split()
    kinds, words = {word for word in words if not word.startswith("-") and word in ("lto", "profile")}, [
        word for word in words if word not in ("lto", "profile")]
    common = [options.clang, "--driver-mode=g++", "-w", "-pthread", *words, str(options.program)]
    native, bitcode = work / "native", work / "program.bc"
    if "profile" in kinds:
        compile([*common, "-fprofile-generate=" + str(work), "-o", str(native)], "profiled")
        run([str(native)], options.timeout)
        compile(["llvm-profdata-22", "merge", "-o", str(work / "all.profdata"), *map(str, work.glob("*.profraw"))], "merged")
        common.append("-fprofile-use=" + str(work / "all.profdata"))
    compile([*common, "-fuse-ld=lld", "-o", str(native)], "native")
    compile([*common, *([] if "lto" in kinds else ["-emit-llvm"]), "-c", "-o", str(bitcode)], "bitcode")
    return native, bitcode


def check(flags, options):
    """("same", "refused", "skipped" or "WRONG", lines about it)"""
    environment = {**os.environ, "LLVM_PROFILE_FILE": os.devnull, "GCOV_PREFIX": "/dev/null/none", "ASAN_OPTIONS": "detect_leaks=0"}
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        try:
            native, bitcode = build(flags, work, options)
        except Unusable as reason:
            return "skipped", [str(reason)]
        def execute(command):
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=options.timeout,
                                      env=environment, cwd=work)
            except subprocess.TimeoutExpired:
                return b"", "timeout", b""
            return done.stdout, done.returncode if done.returncode >= 0 else 128 - done.returncode, done.stderr
        expected = execute([str(native)])[:2]
        if expected[1] == "timeout" or expected[1] > 128: # with -mcmodel=large, exceptions find nobody
            return "skipped", [f"natively it ends with status {expected[1]}"]
        wrong, refusals = [], set()
        for mode in options.modes:
            output, status, errors = execute([options.osrctl, "run", *mode, str(bitcode)])
            text = errors.decode(errors="replace").strip()
            if (output, status) == expected:
                continue
            if status == 1 and not output and text.startswith("osrctl: "):
                refusals.add(text.splitlines()[0][:200])
                continue
            wrong.append(f"{' '.join(mode)}: status {status}, expected {expected[1]}"
                         f"{'' if output == expected[0] else ', other output'} {text[-300:]}")
        return ("WRONG", wrong) if wrong else ("refused", sorted(refusals)) if refusals else ("same", [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--clang", default="clang-22")
    parser.add_argument("--program", type=pathlib.Path, default=HERE / "features.cpp")
    parser.add_argument("--timeout", type=int, default=120)
    parser.add_argument("--mode", default="", help="only modes whose arguments contain this")
    parser.add_argument("sets", nargs="*", help="only sets that contain one of these (-- before those that begin with -)")
    options = parser.parse_args()
    options.osrctl = str(pathlib.Path(options.osrctl).resolve())
    options.modes = [mode for mode in MODES if options.mode in " ".join(mode)]
    sets = [flags for flags in SETS if not options.sets or any(part in flags for part in options.sets)]
    counts = dict.fromkeys(["same", "refused", "skipped", "WRONG"], 0)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for flags, (outcome, lines) in zip(sets, pool.map(lambda flags: check(flags, options), sets)):
            counts[outcome] += 1
            print(f"{outcome:8}{flags}", flush=True)
            for line in lines:
                print("          " + line, flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
    return 1 if counts["WRONG"] or not counts["same"] else 0


if __name__ == "__main__":
    sys.exit(main())
