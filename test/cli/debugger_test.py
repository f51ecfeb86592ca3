#!/usr/bin/env python3
"""Checks that gdb's backtrace goes through frames whose return PCs are rewritten and names every function of them."""
import os
import pathlib
import re
import subprocess
import unittest

from osrctl_case import OSRCTL, OsrctlCase

GDB = os.environ["OSR_GDB"]
# Newest first; main calls ping(6).
ACTIVATIONS = ["bottom", "ping", "pong", "ping", "pong", "ping", "pong", "ping", "main"]
COMMANDS = ["set confirm off", "set pagination off", "set debuginfod enabled off", "set startup-with-shell off",
            "set breakpoint pending on", "break puts", "run", "backtrace", "continue"]


class Debugger(OsrctlCase):
    def backtrace(self, *options):
        """The functions of the program on the stack while puts runs, newest first, and all that gdb printed."""
        script = [word for command in COMMANDS for word in ("-ex", command)]
        ended = self.run_command(GDB, "-nx", "-batch", *script, "--args", OSRCTL, "run", *options,
                                 self.compile("recursion.c"))
        names = re.findall(r"^#\d+ +(?:0x[0-9a-f]+ in )?(\S+)", ended.stdout, re.M)
        self.assertIn("osr_enter_program", names, ended.stdout + ended.stderr)
        self.assertEqual(names[-1], "main", ended.stdout) # of osrctl: nothing is cut off
        self.assertIn("\nbottom\n927\n[Inferior 1 ", ended.stdout) # as natively, and it goes on after the stop
        self.assertIn("exited normally]", ended.stdout)
        return names[1:names.index("osr_enter_program")], ended.stdout

    def test_frames_of_a_tier(self):
        for tier in ["baseline", "optimized"]:
            names, text = self.backtrace("--tier", tier)
            self.assertEqual(names, [f"{name}${tier}" for name in ACTIVATIONS], text)

    def test_rewritten_frames(self):
        for tier in ["baseline", "optimized"]:
            for stubs in ["generated", "interpreted"]:
                names, text = self.backtrace("--tier", tier, "--stubs", stubs, "--stress", "all:1")
                # The newest was entered after the last rewriting; the others will return into their stubs.
                self.assertEqual(names[0], f"bottom${tier}", text)
                self.assertEqual([re.sub(r"^osr_stub:(\w+)#\d+$", r"\1", name) for name in names[1:]],
                                 ACTIVATIONS[1:], text)

    def test_perf_map(self):
        """perf finds compiled code and stubs by name."""
        process = subprocess.Popen([OSRCTL, "run", "--perf-map", "--tier", "baseline", "--stress", "all:1",
                                    self.compile("recursion.c")], stdout=subprocess.DEVNULL)
        path = pathlib.Path(f"/tmp/perf-{process.pid}.map")
        self.addCleanup(path.unlink, missing_ok=True)
        self.assertEqual(process.wait(timeout=60), 0)
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        lines = [line.split() for line in path.read_text().splitlines()]
        self.assertTrue(all(len(line) == 3 and int(line[0], 16) and int(line[1], 16) for line in lines), lines)
        names = {re.sub(r"\.\d+$", "", line[2]) for line in lines} # each version has a number
        for name in ["ping$baseline", "pong$baseline", "main$baseline"]:
            self.assertIn(name, names)
        self.assertTrue(any(name.startswith("osr_stub:ping#") for name in names), names)


if __name__ == "__main__":
    unittest.main()
