#!/usr/bin/env python3
"""Check that the library can be installed, found by another project's CMake, and used with its public headers alone.

usage: package_test.py BUILD_FOLDER CLANG C++_COMPILER
"""
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "examples"
EMBEDDING = (HERE.parent.parent / "docs/embedding.md").read_text() # says what the example prints


def run(*command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def internal_includes(folder):
    """Includes of the installed headers that are neither the standard's, LLVM's nor the interface's own."""
    for header in folder.rglob("*.h"):
        for name in re.findall(r'^#include [<"]([^">]+/[^">]+)[">]', header.read_text(), re.M):
            if not name.startswith(("osr/", "llvm/", "sys/")):
                yield f"{header.name} includes {name}"


def run_by_pkg_config(prefix, compiler, example, program):
    """What the example prints when it is built without CMake."""
    file, = prefix.rglob("osr.pc")
    source, built = EXAMPLES / example, program.with_suffix(".o")
    run(compiler, "-O1", *run("pkg-config", "--cflags", file).split(), *(["-std=c++20"] if source.suffix == ".cpp" else []), "-c", source, "-o", built)
    run(compiler, built, *run("pkg-config", "--libs", file).split(), "-lstdc++", "-o", program)
    return run(program)


def main():
    build, clang, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        prefix = folder / "prefix"
        run("cmake", "--install", build, "--prefix", prefix)
        found = list(internal_includes(prefix / "include"))
        assert (prefix / "include/osr/runtime.h").exists() and not found, found
        run("cmake", "-S", HERE, "-B", folder / "build", "-G", "Ninja", f"-DEXAMPLES={EXAMPLES}",
            f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_C_COMPILER={clang}")
        run("cmake", "--build", folder / "build")
        run(clang, "-O1", "-emit-llvm", "-c", EXAMPLES / "queens.c", "-o", folder / "queens.bc")
        printed = run(folder / "build/embed", folder / "queens.bc", "8")
        changed = re.search(r"(\d+) frames changed their tier", printed)
        assert changed and int(changed.group(1)) > 0 and "92" in printed, printed
        printed = run(folder / "build/grow")
        assert printed in EMBEDDING, printed
        assert run_by_pkg_config(prefix, compiler, "grow.cpp", folder / "grown") == printed
        assert run_by_pkg_config(prefix, clang, "grow.c", folder / "grown_in_c").startswith(printed)
        assert run(folder / "build/grow_shared") == printed and run(folder / "build/grow_shared_in_c").startswith(printed)
        collected = run(folder / "build/collect_in_c")
        assert collected == "sum 5050, 100 collections, 100 activations\n", collected
        manual, = prefix.rglob("osrctl.1")
        assert ".SS " in manual.read_text() and len(list((prefix / "share").rglob("*osrctl*"))) >= 4
        assert run(prefix / "bin/osrctl", "--version").startswith("osrctl ")
        in_c = run(folder / "build/grow_in_c")
        assert in_c.startswith(printed) and "removed: " in in_c[len(printed):] and "sum" in in_c[len(printed):], in_c


if __name__ == "__main__":
    main()
