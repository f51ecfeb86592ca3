#!/usr/bin/env python3
"""gdb shows variables of compiled code as the program says that they are: in both tiers, in frames that wait for a transition and
behind it, and in a core file."""
import json
import os
import re
import subprocess
import unittest

from attach_case import AttachCase
from attach_values_test import EXPECTED, EXPECTED_IN_MACHINE, follow, is_same
from osrctl_case import HERE, OSRCTL

GDB = os.environ["OSR_GDB"]
QUIET = [word for command in ("set confirm off", "set pagination off", "set debuginfod enabled off", "set breakpoint pending on",
                              "handle SIG62 nostop noprint") for word in ("-ex", command)]
MODES = [("--tier", "baseline"), ("--tier", "optimized"), ("--tier", "baseline", "--stress", "all:1"),
         ("--tier", "optimized", "--stress", "all:3"), ("--tier", "baseline", "--stress", "every")]


def activations_at(output, ends):
    """What the program had said of its activations when so many bytes had been printed, oldest first; for each end."""
    stack, at, ends = [], 0, list(ends)
    for line in output.splitlines(keepends=True):
        while ends and at >= ends[0]:
            yield [(name, dict(values)) for name, values in stack]
            ends.pop(0)
        at += len(line)
        follow(stack, line)
    assert not ends, (ends, at)


class DebuggerValues(AttachCase):
    def show(self, *command, **environment):
        """What gdb shows; a stop is a dictionary."""
        shown = self.folder / "shown"
        environment = {key: str(value) for key, value in environment.items()}
        ended = self.run_command(GDB, "-nx", "-batch", "-x", HERE / "gdb_variables.py", *command,
                                 env={**self.environment, **environment, "OSR_SHOWN": str(shown)})
        self.assertNotIn("Error", ended.stderr + ended.stdout)
        return [json.loads(line) for line in shown.read_text().splitlines()]

    def walk(self, source, flags, options, **environment):
        output = self.folder / "output"
        arguments = ["run", "--debug-info", *options, self.compile(source, "-g", *flags)]
        stops = self.show(OSRCTL, OSR_ARGUMENTS=" ".join(arguments), OSR_SOURCE=source, OSR_INPUT=self.file("input", "\n" * 1000), OSR_OUTPUT=output, **environment)
        return stops, output.read_text()

    def compare(self, stop, activations, live, sites):
        """Each frame in turn. Counts in `live` values that are as printed, and in `sites` places."""
        frames = [frame for frame in stop["frames"] if frame["function"] != "wait_here"]
        self.assertEqual([frame["function"] for frame in frames], [name for name, _ in reversed(activations)])
        for frame, (name, printed) in zip(frames, reversed(activations)):
            self.assertGreater(frame["line"], 0)
            inner = frame["variables"].get("total", [])
            if len(inner) == 2: # of attach_values.c: total = i + 100, in a block
                (_, value), = inner[0]
                i, = frame["variables"]["i"]
                self.assertIn(value, (None, i[0][1] + 100), frame)
                self.shadowed += value is not None
            sites.add((name, frame["line"], re.sub(r"\+.*|#\d+$", "", frame["code"])))
            for variables in frame["variables"].values():
                for part, value in variables[-1]: # the outermost of that name is printed
                    if value is None or part not in printed:
                        continue
                    self.assertTrue(is_same(value, printed[part]), (frame, part, printed[part]))
                    live[name, part] = live.get((name, part), 0) + 1

    def check(self, source, flags, expected, fewest, fewest_sites):
        wanted = re.findall("sum .*\n", self.run_command("sh", "-c", f"yes '' | {self.native(source, '-O0')}").stdout)[-1]
        all_sites, self.shadowed, compared = set(), 0, 0
        for options in MODES:
            with self.subTest(flags=flags, options=options):
                stops, output = self.walk(source, flags, options)
                self.assertIn(wanted, output)
                self.assertGreater(len(stops), 8)
                live, sites = {}, set()
                for stop, activations in zip(stops, activations_at(output, [stop["printed"] for stop in stops])):
                    self.compare(stop, activations, live, sites)
                self.assertLessEqual(expected, set(live), live)
                self.assertGreater(sum(live.values()), fewest)
                compared += sum(live.values())
                if "--stress" in options:
                    self.assertTrue(any(code.startswith("osr_stub:") for _, _, code in sites), sites)
                all_sites |= sites
        self.assertGreaterEqual(len(all_sites), fewest_sites, all_sites)
        self.assertTrue(self.shadowed or source != "attach_values.c")
        print(source, *flags, "sites:", len(all_sites), "values compared:", compared)

    def test_all_types_without_optimisation(self):
        self.check("attach_values.c", ("-O0",), EXPECTED, 150, 30)

    def test_all_types_optimised(self):
        self.check("attach_values.c", ("-O1",), EXPECTED, 150, 30)

    def test_an_interpreter_without_optimisation(self):
        self.check("attach_values_machine.c", ("-O0",), EXPECTED_IN_MACHINE, 50, 8)

    def test_an_interpreter_optimised(self):
        self.check("attach_values_machine.c", ("-O1",), EXPECTED_IN_MACHINE, 50, 8)

    def test_core_files_have_the_variables(self):
        core = self.folder / "core"
        for options in MODES[1:3]:
            stops, _ = self.walk("attach_values.c", ("-O1",), options, OSR_CORE=core, OSR_CORE_AT=9)
            seen, = self.show(OSRCTL, core, OSR_SOURCE="attach_values.c")
            self.assertEqual(seen["frames"], stops[8]["frames"])
            self.assertGreater(sum(value is not None for frame in seen["frames"] for variables in frame["variables"].values()
                                   for parts in variables for _, value in parts), 5, seen)

    def test_a_program_that_runs_is_asked_for_it(self):
        """`osrctl attach PID debug-info`, then gdb."""
        process = self.start(self.compile("attach_lines.c", "-g"), "--tier", "baseline")
        self.tell(process, "a")
        self.assertRegex(self.attach(process, "debug-info").stdout, r"variables of [1-9]\d* versions")
        seen = self.run_command(GDB, "-nx", "-batch", *QUIET, "-p", str(process.pid), "-ex", "backtrace full")
        self.assertRegex(seen.stdout, r"\n#\d+ +0x\w+ in answer_lines \(seed=[^)]*\) at .*attach_lines.c:\d+\n")
        self.assertRegex(seen.stdout, r"\n +total = \d+\n")
        self.assertRegex(seen.stdout, r" in main \(argc=.*, argv=<optimized out>\)")
        self.assertRegex(self.tell(process, "b"), r"^2 \d+ \d+$") # it goes on

    def test_programs_without_debug_information_say_so(self):
        bitcode = self.compile("attach_lines.c")
        self.assert_refused(1, "debug_info", "not compiled with -g", by=("run", "--debug-info", bitcode))
        process = self.start(bitcode)
        refused = self.attach(process, "debug-info")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not compiled with -g", refused.stderr)
        self.tell(process, "it goes on")


if __name__ == "__main__":
    unittest.main()
