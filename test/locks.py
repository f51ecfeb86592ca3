#!/usr/bin/env python3
"""Mutexes are those of compiler/base/mutex.h, whose use clang checks: std::mutex and its locks are not seen by that."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import sources

UNCHECKED = re.compile(r"\bstd::(?:recursive_|shared_|timed_)*mutex\b|\bstd::(?:lock_guard|unique_lock|scoped_lock|shared_lock|"
                       r"condition_variable(?:_any)?)\b|\bpthread_mutex_lock\b")
#: They make the ones that are checked.
MAKERS = {"compiler/base/mutex.h", "runtime/threads/turn_mutex.h"}


def main():
    assert UNCHECKED.search("std::unique_lock lock(mutex);") and not UNCHECKED.search("Lock lock(mutex);")
    found = [name for name, path in sources() if name not in MAKERS and UNCHECKED.search(path.read_text())]
    for name in found:
        print(f"{name}: a mutex or lock that clang does not check, see compiler/base/mutex.h")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
