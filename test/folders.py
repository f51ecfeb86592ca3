#!/usr/bin/env python3
"""A folder includes headers of earlier folders only: the folders are the data's way, and this is their order.

Stubs stand early: what they are made from is plain data, in which the compiler says how values are found.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import sources

ORDER = """
third_party include
compiler/base osr-stubs
compiler/target compiler/canonical compiler/sites compiler/tiers compiler/codegen
runtime/machine runtime/process runtime/stackmap runtime/code runtime/stack runtime/threads runtime/reclaim
runtime/events runtime/engine runtime/guest runtime/requests runtime/redefine runtime/tiering runtime/guards runtime/stress
runtime/roots runtime/inspect runtime/control
runtime/facade
osrctl
""".split()
INCLUDE = re.compile(r'^#include [<"]((?:third_party|osr|osr-c|compiler|osr-stubs|runtime|osrctl)/[^">]+)[">]', re.M)


def place(path):
    """Where in the order this file's folder stands; folders in a folder belong to it."""
    return max((i for i, folder in enumerate(ORDER) if path.startswith(folder + "/")), default=None)


def backwards():
    for name, path in sources():
        if place(name) is None:
            yield f"{name}: its folder has no place in the order"
            continue
        for included in INCLUDE.findall(path.read_text()):
            included = re.sub("^osr(-c)?/", r"include/osr\1/", included)
            if place(included) is None or place(included) > place(name):
                yield f"{name} includes {included}, of a later folder"


def main():
    assert place("osrctl/main.cpp") > place("runtime/facade/runtime.cpp") > place("compiler/base/check.h")
    found = list(backwards())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
