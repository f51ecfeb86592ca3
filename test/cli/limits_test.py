#!/usr/bin/env python3
"""Checks what happens at the machine's limits: the program dies as it would natively, or the error says what is missing."""
import json
import os
import re
import resource
import signal
import subprocess
import unittest

from osrctl_case import CLANG, FIB, HERE, OsrctlCase

PROGRAMS = HERE.parent / "programs"
MODES = [["--tier", "optimized", "--stress", "every"],
         ["--tier", "optimized", "--stress", "every:3", "--stubs", "interpreted"],
         ["--tier", "optimized", "--stress", "async:500"], ["--tier", "auto"]]
SMALL_STACK = 4 << 20


def limited(which, amount):
    return lambda: resource.setrlimit(which, (amount, amount))


class Limits(OsrctlCase):
    def test_stack_overflow(self):
        """In any frame, also a replaced one, and in a stub: death by SIGSEGV."""
        small = limited(resource.RLIMIT_STACK, SMALL_STACK)
        native, bitcode = self.native("overflow.c"), self.compile("overflow.c")
        for what in [["values"], ["objects", "thread"]]:
            expected = self.run_command(native, *what, preexec_fn=small)
            self.assertEqual((expected.returncode, expected.stdout), (-signal.SIGSEGV, "recursing\n"))
            for mode in MODES:
                with self.subTest(what=what, mode=mode):
                    ended = self.osrctl("run", *mode, bitcode, "--", *what, preexec_fn=small)
                    self.assertEqual((ended.returncode, ended.stdout, ended.stderr),
                                     (-signal.SIGSEGV, "recursing\n", ""))

    def test_many_threads_at_once(self):
        expected = self.run_command(self.native("many_threads.c", "-pthread"))
        self.assertEqual(expected.returncode, 0)
        ended = self.osrctl("run", self.compile("many_threads.c"))
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, ""))

    def refused_under(self, which, amount, *words):
        ended = self.osrctl("run", self.file("fib.ll", FIB), preexec_fn=limited(which, amount))
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        self.assertTrue(ended.stderr.startswith("osrctl: "), ended.stderr)
        for word in words:
            self.assertIn(word, ended.stderr)

    def test_no_address_space_for_code(self):
        self.refused_under(resource.RLIMIT_AS, 600 << 20, "cannot reserve", "generated code", "ulimit -v")

    def test_few_system_calls(self):
        """A program that forbids its threads all but those in README's list, in mid-run."""
        native, bitcode = self.native("few_system_calls.c"), self.compile("few_system_calls.c")
        readme = (HERE.parents[1] / "README.md").read_text()
        listed = re.search(r"must allow those of the runtime: ([^.;]*)", readme).group(1)
        names = self.run_command(native, "names").stdout.split()
        self.assertEqual(sorted(re.findall(r"`(\w+)`", listed)), sorted(names))
        expected = self.run_command(native)
        self.assertEqual(expected.returncode, 0, expected.stderr)
        for mode in [*MODES, ["--tier", "baseline"], ["--stress", "churn:500"], ["--speculate"],
                     ["--tier-policy", "sampling", "--sampling-period", "500", "--tier-threshold", "1"]]:
            ended = self.osrctl("run", "--no-control", *mode, bitcode)
            self.assertEqual((ended.returncode, ended.stdout), (0, expected.stdout), f"{mode} {ended.stderr}")

    def check_stacks_of(self, source):
        """Returns how many versions and stubs were out of use, and kept."""
        expected, bitcode = self.run_command(self.native(source)), self.compile(source)
        self.assertEqual(expected.returncode, 0)
        kept = 0
        for mode in [*MODES, ["--stress", "churn:1000"], ["--tier", "optimized", "--stress", "churn:1000"]]:
            stats = self.folder / "stats.json"
            ended = self.osrctl("run", *mode, "--stats", str(stats), bitcode)
            self.assertEqual((ended.returncode, ended.stdout), (0, expected.stdout), f"{mode} {ended.stderr}")
            freed = json.loads(stats.read_text())["freed"]
            self.assertEqual(freed["objects"], 0, mode)
            kept += freed["waiting"]
        return kept

    def test_stacks_of_an_assembly(self):
        """Activations that wait on them, which no request sees, go on in their old code. It has the names of Boost.Context's."""
        self.assertGreater(self.check_stacks_of("assembly_coroutines.c"), 0)

    def test_code_needs_no_file(self):
        """Nor does freeing it, or a child's copy of it: no file may grow here."""
        no_file = limited(resource.RLIMIT_FSIZE, 0)
        forks = self.compile(PROGRAMS / "forks.c")
        expected = self.run_command(self.native(PROGRAMS / "forks.c"), "2")
        for mode in [["--tier", "optimized"], ["--tier", "optimized", "--stress", "churn:300"]]:
            ended = self.osrctl("run", *mode, forks, "--", "2", preexec_fn=no_file)
            self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (expected.returncode, expected.stdout, ""))

    def test_no_address_space_for_an_object_stack(self):
        """Enough for code and table, not for the main thread's objects."""
        refusals = set()
        for mebibytes in range(1000, 2600, 400):
            ended = self.osrctl("run", self.file("fib.ll", FIB),
                                preexec_fn=limited(resource.RLIMIT_AS, mebibytes << 20))
            self.assertIn((ended.returncode, ended.stdout), [(1, ""), (3, "55\n")], ended.stderr)
            if ended.returncode == 1:
                self.assertIn("cannot reserve", ended.stderr)
                refusals.add("object stack" if "object stack" in ended.stderr else "generated code")
        self.assertEqual(refusals, {"object stack", "generated code"})

    def test_limits_that_the_program_sets(self):
        """The compiler has its memory: what it needs later it has reserved before."""
        native, bitcode = self.native("own_limits.c"), self.compile("own_limits.c")
        for which in ["space", "data"]:
            expected = self.run_command(native, which)
            self.assertEqual(expected.returncode, 0)
            for mode in [["--tier", "auto", "--tier-threshold", "50"], ["--tier", "optimized", "--stress", "every:1000"]]:
                ended = self.osrctl("run", *mode, bitcode, "--", which)
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, ""), (which, mode))

    def test_locked_memory(self):
        """Reserved address space is no memory: not touched, not locked."""
        library = self.folder / "locks_nothing.so"
        subprocess.run([CLANG, "-w", "-shared", "-fPIC", "-o", library, HERE / "locks_nothing.c"], check=True)
        preloaded = {**os.environ, "LD_PRELOAD": str(library)}
        native = self.run_command(self.native("locks_memory.c"), env=preloaded)
        self.assertEqual(native.stderr, "what is there what comes at once\nwhat comes at once\n")
        ended = self.osrctl("run", self.compile("locks_memory.c"), env=preloaded)
        self.assertEqual((ended.returncode, ended.stdout), (native.returncode, native.stdout))
        self.assertEqual(ended.stderr, native.stderr.replace("at once", "once touched"))


if __name__ == "__main__":
    unittest.main()
