#!/usr/bin/env python3
"""Compares what osrctl prints about small inputs with stored text.

Each input NAME.ll begins with `; Check that ...` and has lines `; RUN: VERB OPTIONS`; NAME.expected holds what these
commands print. Each command runs twice: two runs that print different text are a failure as well. After a change that
is meant, `golden_test.py --update` writes the files again; read the difference before you commit it.
"""
import argparse
import difflib
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
#: Where a thread-local variable of osrctl's own lies is the linker's choice, and no part of what is looked at.
THREAD_LOCAL = re.compile(r"inttoptr \(i64 -\d+ to (ptr addrspace\(257\))\)")


def output_of(osrctl, words, path):
    """What one command prints, and what is wrong with it (nothing: "")."""
    runs = [subprocess.run([osrctl, *words, path.name], cwd=path.parent, capture_output=True, text=True, timeout=60,
                           check=False) for _ in range(2)]
    first, second = runs
    if first.returncode != 0 or first.stderr:
        return "", f"exit status {first.returncode}\n{first.stderr}"
    if first.stdout != second.stdout:
        return "", "two runs print different text:\n" + difference(first.stdout, second.stdout, "first", "second")
    return THREAD_LOCAL.sub(r"inttoptr (i64 OFFSET to \1)", first.stdout), ""


def difference(old, new, old_name, new_name):
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), old_name, new_name))


def check(osrctl, path, update):
    """The problems with one input; writes its expected text if asked to."""
    text = path.read_text()
    commands = re.findall(r"^; RUN: (.+)$", text, re.M)
    if not text.startswith("; Check that ") or not commands:
        return [f"{path.name} must begin with '; Check that ...' and have lines '; RUN: VERB OPTIONS'"]
    problems, printed = [], ""
    for command in commands:
        output, problem = output_of(osrctl, command.split(), path)
        printed += f"$ osrctl {command} {path.name}\n{output}\n"
        if problem:
            problems.append(f"osrctl {command} {path.name}: {problem}")
    expected = path.with_suffix(".expected")
    if update and not problems:
        expected.write_text(printed)
    stored = expected.read_text() if expected.exists() else ""
    if not problems and stored != printed:
        problems.append(difference(stored, printed, expected.name, "what is printed now"))
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--osrctl", default=os.environ.get("OSRCTL"), help="default: $OSRCTL")
    parser.add_argument("--update", action="store_true", help="store what is printed now")
    parser.add_argument("names", nargs="*", help="inputs without .ll (default: all)")
    options = parser.parse_args()
    if not options.osrctl:
        parser.error("name the program: --osrctl build/release/osrctl/osrctl")
    osrctl = str(pathlib.Path(options.osrctl).resolve())
    inputs = sorted(HERE.glob("*.ll"))
    failed = [f"{path.name} belongs to no input" for path in HERE.glob("*.expected")
              if path.with_suffix(".ll") not in inputs]
    inputs = [path for path in inputs if not options.names or path.stem in options.names]
    for path in inputs:
        failed += check(osrctl, path, options.update)
    for problem in failed:
        print("FAIL " + problem)
    print(f"{len(inputs)} inputs, {len(failed)} problems")
    return 1 if failed or not inputs else 0


if __name__ == "__main__":
    sys.exit(main())
