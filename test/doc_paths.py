#!/usr/bin/env python3
"""Files and folders that the documentation and comments name exist: who moves one has to take its name along.

A link is relative to its page. Elsewhere a path begins at the project's folder or stands beside who names it, and a name without a
folder is that of some file. Capitals in a name stand for any word: osrctl/cmd_VERB.cpp.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import ROOT, sources

FOLDERS = sorted(path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".") and path.name != "build")
NAMES = {path.name for folder in FOLDERS for path in folder.rglob("*")} | {path.name for path in ROOT.iterdir()}
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
QUOTED = re.compile(r"`([^`\n]+)`")
COMMENT = re.compile(r"(?:^|\s)//(.*)$", re.M)
PATH = re.compile(rf"(?<![\w/.$-])(?:{'|'.join(folder.name for folder in FOLDERS)})/(?:[\w.-]+/)*(?:[\w.-]*\w)?")
FILE = re.compile(r"(?<![\w/.$-])[\w-]+\.(?:h|cpp|S|inc|cmake|py)\b(?!/)")
#: Of other projects.
FOREIGN = {"cxxabi.h", "unwind-dw2-fde.h"}


def documents():
    yield from (ROOT / name for name in ["CONTRIBUTING.md", "README.md", "SECURITY.md"])
    yield from (ROOT / "docs").rglob("*.md")
    yield from (path for folder in FOLDERS for path in folder.rglob("README.md") if folder.name != "docs")


def is_there(path):
    """`path` is relative to the project."""
    return (ROOT / path).exists() or any(ROOT.glob(re.sub("[A-Z]{2,}", "*", str(path))))


def missing_words(text, folder):
    """What a text in that folder names."""
    for name in PATH.findall(text):
        if not is_there(name) and not (folder / name).exists():
            yield name
    for name in FILE.findall(text):
        if name not in NAMES and name not in FOREIGN:
            yield name


def missing_links(text, folder):
    for address in LINK.findall(text):
        if "://" not in address and not (folder / address).exists():
            yield address


def missing():
    for path in documents():
        text = path.read_text()
        for name in [*missing_links(text, path.parent), *missing_words(" ".join(QUOTED.findall(text)), path.parent)]:
            yield path.relative_to(ROOT), name
    for name, path in sources():
        for found in missing_words(" ".join(COMMENT.findall(path.read_text())), path.parent):
            yield name, found


def main():
    assert [*missing_words("test/doc_paths.py sources.py test/VERB_paths.py test/", ROOT)] == []
    assert [*missing_words("see test/no_paths.py, or no_paths.py.", ROOT)] == ["test/no_paths.py", "no_paths.py"]
    assert [*missing_links("[a](README.md#b), [c](https://d.e/f), [g](h.md)", ROOT)] == ["h.md"]
    found = sorted({f"{where} names {name}, which does not exist" for where, name in missing()})
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
