#!/usr/bin/env python3
"""Checks what happens at the machine's limits: the program dies as it would natively, or the error says what is missing."""
import resource
import signal
import unittest

from osrctl_case import FIB, HERE, OsrctlCase

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

    def refused_under(self, which, amount, *words):
        ended = self.osrctl("run", self.file("fib.ll", FIB), preexec_fn=limited(which, amount))
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        self.assertTrue(ended.stderr.startswith("osrctl: "), ended.stderr)
        for word in words:
            self.assertIn(word, ended.stderr)

    def test_no_address_space_for_code(self):
        self.refused_under(resource.RLIMIT_AS, 600 << 20, "cannot reserve", "generated code", "ulimit -v")

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


if __name__ == "__main__":
    unittest.main()
