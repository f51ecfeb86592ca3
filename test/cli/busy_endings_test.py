#!/usr/bin/env python3
"""Checks that a program's end waits for no compile: status and output are as natively, and the compile was not done.

How long anything takes is not looked at: the statistics say that the compile, which the program has seen running, was
unfinished when the process ended.
"""
import json
import os
import random
import subprocess
import unittest

from osrctl_case import CLANG, HERE, OsrctlCase

CASES = 3500 # in baseline code within a second, in optimised code within five
WAYS = ["return", "exit", "_exit", "quick_exit", "abort", "exit in library", "exit in thread", "exit in handler", "last thread"]


class BusyEndings(OsrctlCase):
    def setUp(self):
        super().setUp()
        numbers = random.Random(7)
        cases = (f"case {i}: x = x * {numbers.randrange(3, 9999)} + next(x & 15); if (x & 64) y ^= x >> {i % 17 + 1}; break;\n"
                 for i in range(CASES))
        self.file("long_function.inc", "".join(cases))
        self.flags = ["-I", str(self.folder), f"-DCASES={CASES}"]
        self.stats = self.folder / "stats.json"

    def build(self, source, *flags):
        """The native program and its bitcode. The former needs no optimiser, which would take as long as ours."""
        native, bitcode = self.folder / "native", self.folder / "program.bc"
        command = [CLANG, "-w", *self.flags, *flags, HERE / source]
        subprocess.run([*command, "-O0", "-o", native], check=True)
        subprocess.run([*command, "-O1", "-emit-llvm", "-c", "-o", bitcode], check=True)
        return str(native), str(bitcode)

    def check(self, native, bitcode, *arguments, options=()):
        self.stats.unlink(missing_ok=True)
        expected = self.run_command(native, *arguments)
        ended = self.osrctl("run", "--stats", str(self.stats), "--tier-policy", "counters", *options, bitcode, "--", *arguments, env={**os.environ, "BUSY": "1"})
        self.assertEqual((ended.returncode, ended.stdout), (expected.returncode, expected.stdout), ended.stderr)

    def assert_unfinished(self):
        tier_up = json.loads(self.stats.read_text())["tier_up"]
        self.assertGreaterEqual(tier_up["unfinished"], 1, tier_up)

    def test_ways_to_end(self):
        native, bitcode = self.build("busy_endings.c", "-pthread")
        for how in WAYS:
            with self.subTest(how=how):
                self.check(native, bitcode, how)
                self.assert_unfinished()
        with self.subTest(how="signal"): # which leaves no statistics
            self.check(native, bitcode, "signal")

    def test_destructors(self):
        native, bitcode = self.build("busy_objects.cpp", "-lstdc++")
        self.check(native, bitcode)
        self.assert_unfinished()
        self.check(native, bitcode, options=["--compile-threads", "2", "--tier-threshold", "50"])
        self.assert_unfinished()


if __name__ == "__main__":
    unittest.main()
