#!/usr/bin/env python3
"""Runs Lox programs in each mode and compares what they print with what their comments expect.

usage: run.py LOX [--modes TEXT] [--programs TEXT] [--quick]

Files that end with .lines are typed in, line by line; errors do not matter there.

  // expect: TEXT                   a line of stdout
  // expect runtime error: TEXT     stderr begins with that, the comment's line is in the trace; exit status 70
  // expect trace: TEXT             the lines after it, if there are any of these
  // expect error: TEXT             a line of stderr, "[line N] TEXT" with the comment's line unless it says one; status 65
  // expect error at end: / at next: the same, for the last line, and the next one
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TIERS = {
    "interpret": ["--mode", "interpret"],
    "baseline": ["--mode", "baseline"],
    "optimized": ["--mode", "optimized"],
    "baseline-informed": ["--mode", "baseline", "--compile-after", "2"], # what was met is known when code is made
    "optimized-informed": ["--mode=optimized", "--compile-after=2"],
    "auto": ["--mode", "auto"],
    "auto-early": ["--mode", "auto", "--compile-after", "5"],
}
STRESS = ["every", "random:7", "async:500"]
QUICK = ["interpret", "auto", "optimized-informed", "optimized-informed+gc", "baseline+random:7+gc"]


def all_modes():
    modes = {}
    for name, options in TIERS.items():
        stress = [None] + (STRESS if name != "interpret" else [])
        for kind in stress:
            for gc in (False, True):
                full = name + (f"+{kind}" if kind else "") + ("+gc" if gc else "")
                modes[full] = options + (["--osr-stress", kind] if kind else []) + (["--gc-stress"] if gc else [])
    return modes


class Expected:
    def __init__(self, path):
        self.output, self.errors, self.trace, self.status = [], [], [], 0
        lines = path.read_text().split("\n")
        for number, line in enumerate(lines, 1):
            found = re.search(r"// expect( runtime error| trace| error at end| error at next| error)?: ?(.*)$", line)
            if not found:
                continue
            kind, text = found.groups()
            if kind is None:
                self.output.append(text)
            elif kind == " runtime error":
                self.status, self.errors, self.line = 70, [text], number
            elif kind == " trace":
                self.trace.append(text)
            else:
                where = {" error": number, " error at next": number + 1, " error at end": len(lines)}[kind]
                self.status = 65
                self.errors.append(text if text.startswith("[line") else f"[line {where}] {text}")

    def difference(self, ended):
        """What is wrong, or None."""
        output, errors = ended.stdout.split("\n")[:-1], ended.stderr.split("\n")[:-1]
        if output != self.output:
            return f"printed {output}, not {self.output}; {errors[:5]}"
        if ended.returncode != self.status:
            return f"ended with {ended.returncode}, not {self.status}: {errors[:5]}"
        if self.status == 70:
            if errors[:1] != self.errors or not any(line.startswith(f"[line {self.line}] in ") for line in errors[1:]):
                return f"said {errors[:5]}, not {self.errors} in line {self.line}"
            if self.trace and errors[1:] != self.trace:
                return f"trace is {errors[1:]}, not {self.trace}"
        elif errors != self.errors:
            return f"said {errors}, not {self.errors}"
        return None


def run(lox, options, path):
    try:
        if path.suffix == ".lines":
            ended = subprocess.run([lox, *options], input=path.read_text(), capture_output=True, text=True, timeout=120)
            ended.stderr = ""
        else:
            ended = subprocess.run([lox, *options, path], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "does not end"
    return Expected(path).difference(ended)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lox")
    parser.add_argument("--modes", default="", help="only those whose name matches")
    parser.add_argument("--programs", default="", help="only those whose path matches")
    parser.add_argument("--quick", action="store_true", help="a few modes, each program in two of them in turn")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    programs = [p for p in sorted([*HERE.rglob("*.lox"), *HERE.rglob("*.lines")]) if re.search(arguments.programs, str(p.relative_to(HERE)))]
    modes = {name: options for name, options in all_modes().items() if re.search(arguments.modes, name)}
    work = []
    for number, path in enumerate(programs):
        names = [QUICK[number % len(QUICK)], QUICK[(number + 2) % len(QUICK)]] if arguments.quick else modes
        work += [(name, modes[name], path) for name in names if name in modes]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for (name, _, path), wrong in zip(work, pool.map(lambda w: run(arguments.lox, w[1], w[2]), work)):
            if wrong:
                failed += 1
                print(f"{path.relative_to(HERE)} [{name}]: {wrong}", flush=True)
    print(f"{len(work)} runs of {len(programs)} programs, {failed} failed")
    sys.exit(1 if failed or not work else 0)


if __name__ == "__main__":
    main()
