#!/usr/bin/env python3
"""Checks that `osrctl bisect` finds the function and the site at which a seeded fault makes a frame wrong."""
import re
import shutil
import unittest

from osrctl_case import HERE, OsrctlCase


class Bisect(OsrctlCase):
    def setUp(self):
        super().setUp()
        self.program = self.folder / "bisect.ll"
        shutil.copy(HERE / "bisect.ll", self.program)

    def bisect(self, *options):
        ended = self.osrctl("bisect", *options, str(self.program))
        return ended.returncode, re.findall(r"^culprit: (.+?): ", ended.stdout, re.M), ended

    def test_nothing_wrong(self):
        for options in [[], ["--tier", "baseline"], ["--stubs", "interpreted"], ["--stress", "every"]]:
            status, culprits, ended = self.bisect(*options)
            self.assertEqual((status, culprits, ended.stderr), (0, [], ""))
            self.assertIn("reference: exit status 0, ", ended.stdout)

    def test_slots_exchanged(self):
        for stubs in ["generated", "interpreted"]:
            status, culprits, ended = self.bisect("--fault", "slot:1", "--stubs", stubs)
            self.assertEqual((status, culprits), (1, ["culprit#1 (call of leaf)"]), ended.stdout + ended.stderr)

    def test_search_only_if_the_mode_shows_it(self):
        status, culprits, ended = self.bisect("--fault", "slot:1", "--stress", "every:2")
        self.assertEqual((status, culprits), (1, ["culprit#1 (call of leaf)"]), ended.stdout + ended.stderr)
        status, culprits, ended = self.bisect("--fault", "slot:1", "--stress", "at:innocent")
        self.assertEqual((status, culprits), (0, []), ended.stdout + ended.stderr)

    def test_wrong_record(self):
        """This fault can strike at each site with a value and a callee in the program: all are found, and no others."""
        status, culprits, ended = self.bisect("--fault", "record:1")
        self.assertEqual((status, culprits), (1, ["innocent#0 (call of leaf)", "culprit#0 (call of leaf)",
                                                  "culprit#1 (call of leaf)", "main#1 (call of culprit)"]),
                         ended.stdout + ended.stderr)

    def test_program_that_is_never_the_same(self):
        self.program.write_text("declare i32 @getpid()\ndeclare i32 @printf(ptr, ...)\n"
                                '@text = private constant [4 x i8] c"%d\\0A\\00"\n'
                                "define i32 @main() {\n  %p = call i32 @getpid()\n"
                                "  %n = call i32 (ptr, ...) @printf(ptr @text, i32 %p)\n  ret i32 0\n}\n")
        status, culprits, ended = self.bisect()
        self.assertEqual((status, culprits), (1, []))
        self.assertIn("not do the same in every run", ended.stderr)

    def test_input(self):
        """The program reads the same input in every run."""
        self.program.write_text("declare i32 @getchar()\ndefine i32 @main() {\n  %c = call i32 @getchar()\n  ret i32 %c\n}\n")
        _, _, ended = self.bisect("--input", self.file("input", "A"))
        self.assertIn(f"reference: exit status {ord('A')}", ended.stdout)

    def test_bad_fault(self):
        for verb in ["run", "bisect"]:
            self.assert_refused(2, "'slot:0'", "record:N", by=[verb, "--fault", "slot:0", str(self.program)])


if __name__ == "__main__":
    unittest.main()
