#!/usr/bin/env python3
"""A folder includes headers of earlier folders only: the folders are the data's way, and docs/architecture/folders.md has their
order. With --picture: what each is for, how large it is, and what it includes.

Stubs stand early: what they are made from is plain data, in which the compiler says how values are found.
"""
import collections
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import ROOT, sources

ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.M)
PURPOSES = dict(ROW.findall((ROOT / "docs/architecture/folders.md").read_text()))
ORDER = list(PURPOSES)
INCLUDE = re.compile(r'^#include [<"]((?:third_party|osr|osr-c|compiler|osr-stubs|runtime|osrctl)/[^">]+)[">]', re.M)


def place(path):
    """Where in the order this file's folder stands; folders in a folder belong to it."""
    return max((i for i, folder in enumerate(ORDER) if path.startswith(folder + "/")), default=None)


def includes(text):
    for included in INCLUDE.findall(text):
        yield re.sub("^osr(-c)?/", r"include/osr\1/", included)


def wrong():
    used = set()
    for name, path in sources():
        used.add(place(name))
        if place(name) is None:
            yield f"{name}: its folder has no place in the order"
            continue
        for included in includes(path.read_text()):
            if place(included) is None or place(included) > place(name):
                yield f"{name} includes {included}, of a later folder"
    for i, folder in enumerate(ORDER):
        if i not in used and folder != "third_party":
            yield f"docs/architecture/folders.md has a folder '{folder}', which has no sources"


def picture():
    files, lines, reached = collections.Counter(), collections.Counter(), collections.defaultdict(set)
    for name, path in sources():
        text = path.read_text()
        files[place(name)] += 1
        lines[place(name)] += text.count("\n")
        reached[place(name)] |= {place(included) for included in includes(text)} - {place(name)}
    for i, folder in enumerate(ORDER):
        print(f"{folder}: {PURPOSES[folder]}\n    {files[i]} files, {lines[i]} lines; includes {', '.join(ORDER[j] for j in sorted(reached[i])) or 'nothing'}")


def main():
    assert place("osrctl/main.cpp") > place("runtime/facade/runtime.cpp") > place("compiler/base/check.h")
    if sys.argv[1:] == ["--picture"]:
        picture()
    found = list(wrong())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
