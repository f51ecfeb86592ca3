#!/usr/bin/env python3
"""Which files outside of the machine folders know the machine: they are listed, and a new one fails.

The machine folders are where another machine's code would stand beside x86-64's. The headers beside them are what the rest may
ask; such a header may include its counterpart in the machine folder. Comments may name registers anywhere. Each file in the list
beside this script is one that a port has to look at, with the reason why it cannot do without; one that no longer names anything
has to be taken out, so that the list only gets shorter.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import sources

MACHINE_FOLDERS = ["compiler/target/x86_64/", "osr-stubs/x86_64/", "runtime/machine/x86_64/"]
NAMES = re.compile(r"x86|X86|amd64|\b[re](?:[abcd]x|[sd]i|[sb]p|ip)\b|\br(?:8|9|1[0-5])\b|\b[xyz]mm\d*\b|"
                   r"(?:\b|_)R(?:[ABCD]X|SP|BP|IP)\b|\bR(?:[ab]x|[sb]p|1[0-5])\b|mxcsr|rdtsc|x87|\bfs:(?!:)|\bAVX|\bSSE")


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def names_machine(name, text):
    """`name`: where the text stands, for what it may include."""
    folders = [folder for folder in MACHINE_FOLDERS if pathlib.PurePath(folder).parent == pathlib.PurePath(name).parent]
    for folder in folders:
        text = text.replace(f'#include "{folder}', "")
    return bool(NAMES.search(without_comments(text)))


def files_that_know():
    for name, path in sources():
        if not name.startswith(tuple(MACHINE_FOLDERS)) and names_machine(name, path.read_text()):
            yield name


def read_list():
    """File -> reason."""
    lines = pathlib.Path(__file__).with_suffix(".txt").read_text().splitlines()
    return {name.strip(): reason.strip() for name, _, reason in (line.partition("#") for line in lines) if name.strip()}


def main():
    assert not names_machine("a.cpp", "int a; // rax\n") and names_machine("a.cpp", "rax")
    include = '#include "osr-stubs/x86_64/a.h"'
    assert not names_machine("osr-stubs/a.h", include) and names_machine("runtime/a.h", include)
    listed, found = read_list(), list(files_that_know())
    for name in sorted(set(found) - set(listed)):
        print(f"{name} names the machine: put that into a machine folder, or say in the list why it cannot be there")
    for name in sorted(set(listed) - set(found)):
        print(f"{name} no longer names the machine: take it off the list")
    print(f"{len(found)} files outside of the machine folders name the machine")
    return 1 if set(found) != set(listed) else 0


if __name__ == "__main__":
    sys.exit(main())
