#!/usr/bin/env python3
"""Runs programs in Rust, D and Fortran natively and under osrctl, in every tier and stress mode, and compares.

Not part of the tests: the compilers are large (packages.txt beside this file), so `./dev languages` installs and runs
them. The native program of the language's own compiler is the oracle: the same output and the same end, and nothing is
silently left in baseline code where the tier says otherwise.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "support"), str(HERE.parent / "programs")]
from differential import MODES
from runs import has_text, run

LEVELS = ["-O0", "-O1", "-O2"]


class Language:
    """How programs become native ones and bitcode, and which shared libraries they need."""

    def __init__(self, suffix, compiler, level, native, bitcode, libraries):
        self.suffix, self.compiler, self.level = suffix, compiler, level
        self.native, self.bitcode, self.libraries = native, bitcode, libraries

    def is_there(self):
        return shutil.which(self.compiler) is not None

    def compile(self, source, level, output, flags):
        subprocess.run([self.compiler, *self.level(level), *flags, *self.output(output), str(source)], check=True,
                       stdout=subprocess.DEVNULL, cwd=output.parent)

    def output(self, path):
        return [f"-of={path}"] if self.suffix == ".d" else ["-o", str(path)]


def rust_libraries(_):
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    return sorted(pathlib.Path(sysroot, "lib").glob("libstd-*.so")) or sorted(
        pathlib.Path(sysroot, "lib/rustlib/x86_64-unknown-linux-gnu/lib").glob("libstd-*.so"))


def d_libraries(_):
    folders = [pathlib.Path("/usr/lib/x86_64-linux-gnu"), pathlib.Path("/usr/lib")]
    names = ["libdruntime-ldc-shared.so", "libphobos2-ldc-shared.so"]
    return [path for name in names for path in [next((each / name for each in folders if (each / name).exists()), None)]
            if path]


def fortran_libraries(work):
    """The run-time library; where there is an archive only, a shared library is made of it."""
    for pattern in ["lib/libflang_rt.runtime.so", "lib/clang/22/lib/**/libflang_rt.runtime.so"]:
        if found := sorted(pathlib.Path("/usr/lib/llvm-22").glob(pattern)):
            return found[:1]
    archives = sorted(pathlib.Path("/usr/lib/llvm-22").glob("lib/**/libflang_rt.runtime.a")) or sorted(
        pathlib.Path("/usr/lib/llvm-22").glob("lib/**/libFortranRuntime.a"))
    library = work / "libflang_runtime.so"
    subprocess.run(["g++", "-shared", "-Wl,--whole-archive", *map(str, archives[:1]), "-Wl,--no-whole-archive", "-lm",
                    "-o", str(library)], check=True)
    return [library]


LANGUAGES = {
    "rust": Language(".rs", "rustc", lambda level: ["-C", "opt-level=" + level[2:], "-C", "codegen-units=1", "-A", "warnings"],
                     ["-C", "prefer-dynamic", "-C", "rpath"], ["-C", "prefer-dynamic", "--emit=llvm-bc"], rust_libraries),
    "d": Language(".d", "ldc2", lambda level: [level], ["-link-defaultlib-shared"], ["-output-bc"], d_libraries),
    "fortran": Language(".f90", "flang-22", lambda level: [level], [], ["-c", "-emit-llvm"], fortran_libraries),
}


def check(source, language, libraries, options, work):
    native = work / f"{source.stem}.native"
    language.compile(source, "-O1", native, language.native)
    expected = run([str(native)], options.timeout)[:2]
    loads = [word for library in libraries for word in ("--load", str(library))]
    failures, runs = [], 0
    for level in LEVELS:
        bitcode = work / f"{source.stem}{level}.bc"
        language.compile(source, level, bitcode, language.bitcode)
        for mode in options.modes:
            stats = work / f"{source.stem}{level}.json"
            stats.unlink(missing_ok=True)
            output, status, errors = run([options.osrctl, "run", *mode, "--stats", str(stats), *loads, str(bitcode)],
                                         options.timeout)
            runs += 1
            name = f"{source.name} {level} {' '.join(mode)}"
            if (output, status) != expected:
                failures.append(f"{name}: status {status}, expected {expected[1]}"
                                f"{'' if output == expected[0] else ', other output'} {errors.decode(errors='replace')[-300:]}")
            elif has_text(stats) and json.loads(stats.read_text())["functions"].get("not_optimized"):
                failures.append(f"{name}: not optimised: {json.loads(stats.read_text())['functions']['not_optimized']}")
    return failures, runs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", required=True)
    parser.add_argument("--timeout", type=int, default=300)
    parser.add_argument("--mode", default="", help="only modes whose arguments contain this")
    parser.add_argument("names", nargs="*", help="languages, or programs by the beginning of their file name")
    options = parser.parse_args()
    options.osrctl = str(pathlib.Path(options.osrctl).resolve())
    options.modes = [mode for mode in [*MODES, ["--tier", "auto"]] if options.mode in " ".join(mode)]
    failures, runs, jobs = [], 0, []
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, language in LANGUAGES.items():
            sources = [source for source in sorted(HERE.glob("*" + language.suffix))
                       if not options.names or name in options.names or source.name.startswith(tuple(options.names))]
            if not sources:
                continue
            if not language.is_there():
                sys.exit(f"{language.compiler} is not installed")
            work = pathlib.Path(folder, name)
            work.mkdir()
            libraries = language.libraries(work)
            jobs += [(source, pool.submit(check, source, language, libraries, options, work)) for source in sources]
        for source, job in jobs:
            found, count = job.result()
            failures, runs = failures + found, runs + count
            print(f"{source.name}: {count} runs, {len(found)} wrong", flush=True)
            for line in found:
                print("  " + line, flush=True)
    print(f"{runs} runs, {len(failures)} differences")
    return 1 if failures or not runs else 0


if __name__ == "__main__":
    sys.exit(main())
