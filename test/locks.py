#!/usr/bin/env python3
"""Mutexes are those of compiler/base/mutex.h, whose use clang checks: std::mutex and its locks are not seen by that. That a caller has
the engine's lock is stated by OSR_REQUIRES(engine_lock), which is checked too, and not in words. Threads in which
the runtime works are WorkerThreads, which are started, ended and left behind by a fork in one way. A mutex of what a process has once
is a LeafMutex, or known to whoever forks."""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "support"))
from sources import sources

UNCHECKED = re.compile(r"\bstd::(?:recursive_|shared_|timed_)*mutex\b|\bstd::(?:lock_guard|unique_lock|scoped_lock|shared_lock|"
                       r"condition_variable(?:_any)?)\b|\bpthread_mutex_lock\b")
THREAD = re.compile(r"\bstd::(?:j?thread\b(?!::id)|async\b)")
WORDS = re.compile(r"\bwith the (?:\w+'s )?lock held\b|\bthread-safe[^.]*: the (?:engine|runtime)'s lock is held|"
                   r"OSR_REQUIRES\(engine_?(?:\.|->)mutex", re.I)
#: Of what a process has once: at namespace scope, static, or made for ever.
PROCESS_WIDE = re.compile(r"^(?:static |inline |constinit )*Mutex \w+\s*[;={]|^\s+static (?:inline )?Mutex\b|\bnew Mutex\b",
                          re.M)
#: Who takes them around a fork, in an order of its own.
TAKEN_BY_FORKS = {
    "runtime/process/leaf_mutex.cpp": "LeafMutex::lock_all, the list of all leaves",
    "runtime/facade/running.cpp": "AroundFork, whose RunningRuntimes has it",
    "runtime/code/slab_fork.cpp": "SlabForkHandlers::prepare",
}
#: They make the ones that are checked.
MAKERS = {"compiler/base/mutex.h", "runtime/threads/turn_mutex.h"}
THREAD_MAKERS = {"runtime/process/worker_threads.h", "runtime/process/worker_threads.cpp"}


def unchecked():
    for name, path in sources():
        text = path.read_text()
        if name not in MAKERS and UNCHECKED.search(text):
            yield f"{name}: a mutex or lock that clang does not check, see compiler/base/mutex.h"
        if name.startswith("runtime/") and WORDS.search(re.sub(r"\s*\n\s*///?\s*", " ", text)):
            yield f"{name}: says in words who has the engine's lock, see compiler/base/engine_lock.h"
        if name not in TAKEN_BY_FORKS and PROCESS_WIDE.search(text):
            yield (f"{name}: a mutex of what a process has once, which the child of a fork may find locked, "
                   "see runtime/process/leaf_mutex.h")
        if name not in THREAD_MAKERS and THREAD.search(text):
            yield f"{name}: a thread of its own, see runtime/process/worker_threads.h"


def main():
    assert UNCHECKED.search("std::unique_lock lock(mutex);") and not UNCHECKED.search("Lock lock(mutex);")
    assert WORDS.search("/// With the lock held.") and WORDS.search("/// Not thread-safe: the engine's lock is held.")
    assert not WORDS.search("as long as the engine's lock is held code stays, with no lock held")
    for bad in ("Mutex all_mutex;", "auto &mutex = *new Mutex;", "  static Mutex mutex; // of all", "static inline Mutex all{};"):
        assert PROCESS_WIDE.search(bad), bad
    assert not PROCESS_WIDE.search("  Mutex mutex_;\nstatic LeafMutex leaf;\n  static auto &mutex = *new LeafMutex;\nMutex &mutex() {")
    assert THREAD.search("std::thread a;") and not THREAD.search("std::this_thread::yield(); std::thread::id b;")
    found = list(unchecked())
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
