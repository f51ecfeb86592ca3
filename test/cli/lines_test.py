#!/usr/bin/env python3
"""Checks that debug information changes nothing but what debuggers see: sites, records and machine code are the same."""
import re
import unittest

from osrctl_case import HERE, OsrctlCase

PROGRAMS = HERE.parent / "programs"
NAMES = ["varargs_formatter.c", "switch_machines.c", "computed_goto_vm.c", "exceptions_longjmp.c", "rtti_casts.cpp"]


class Lines(OsrctlCase):
    def printed(self, *arguments):
        ended = self.osrctl(*arguments)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""), arguments)
        return re.sub(r"0x[0-9a-f]{6,}", "ADDRESS", ended.stdout) # differ from run to run

    def test_sites_and_code(self):
        levels = ["-O0", "-O1"]
        for number, name in enumerate(NAMES):
            for level in levels:
                plain = self.compile(PROGRAMS / name, level)
                expected = {}
                for flags in [(), ("-g",), ("-gline-tables-only",)]:
                    program = self.compile(PROGRAMS / name, level, *flags) if flags else plain
                    printed = {"sites": self.printed("sites", program)} # with all frame states
                    # -g says all that lines say; each continuation is compiled, so levels take turns
                    if "-gline-tables-only" not in flags and level == levels[number % 2]:
                        printed["sizes"] = self.printed("code", "--continuations", program)
                    for tier in ["baseline", "optimized"]:
                        printed[tier] = self.printed("maps", "--function", "main", "--tier", tier, program)
                    expected = expected or printed
                    for what, text in printed.items():
                        self.assertEqual(text, expected[what], f"{name} {level} {flags}: {what}")


if __name__ == "__main__":
    unittest.main()
