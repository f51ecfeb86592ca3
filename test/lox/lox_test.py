#!/usr/bin/env python3
"""Check that a language VM can be built on the installed library alone, and that its programs do what they say.

usage: lox_test.py BUILD_FOLDER CLANG C++_COMPILER
"""
import pathlib
import subprocess
import sys
import tempfile

LOX = pathlib.Path(__file__).resolve().parent.parent.parent / "examples/lox"


def run(*command):
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def main():
    build, clang, compiler = sys.argv[1:]
    with tempfile.TemporaryDirectory() as text:
        folder = pathlib.Path(text)
        run("cmake", "--install", build, "--prefix", folder / "prefix")
        run("cmake", "-S", LOX, "-B", folder / "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}",
            f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_C_COMPILER={clang}")
        run("cmake", "--build", folder / "build")
        print(run(sys.executable, LOX / "test/run.py", folder / "build/lox", "--quick"))


if __name__ == "__main__":
    main()
