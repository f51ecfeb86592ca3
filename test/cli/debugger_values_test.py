#!/usr/bin/env python3
"""gdb shows variables of compiled code as the program says that they are: in both tiers, in frames that wait for a transition and
behind it, and in a core file."""
import json
import os
import re
import subprocess
import unittest

from attach_case import AttachCase
from attach_values_test import EXPECTED, EXPECTED_IN_MACHINE, EXPECTED_OF_LOST, NOT_OBSERVED, follow, is_same
from osrctl_case import HERE, OSRCTL

GDB = os.environ["OSR_GDB"]
QUIET = [word for command in ("set confirm off", "set pagination off", "set debuginfod enabled off", "set breakpoint pending on",
                              "handle SIG62 nostop noprint") for word in ("-ex", command)]
PLAIN = ("-Xclang", "-disable-llvm-passes")
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
        self.check("attach_values.c", ("-O0",), EXPECTED - NOT_OBSERVED, 100, 30)

    def test_all_types_optimised(self):
        self.check("attach_values.c", ("-O1",), EXPECTED, 150, 30)

    def test_assignments_that_leave_no_trace(self):
        self.check("attach_values_lost.c", ("-O0",), EXPECTED_OF_LOST, 50, 8)

    def test_an_interpreter_without_optimisation(self):
        self.check("attach_values_machine.c", ("-O0",), EXPECTED_IN_MACHINE - NOT_OBSERVED, 40, 8)

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

    def gdb_on(self, process, *commands):
        words = [word for command in commands for word in ("-ex", command)]
        ended = self.run_command(GDB, "-nx", "-batch", *QUIET, "-p", str(process.pid), *words)
        return ended.stdout + ended.stderr

    def test_bodies_that_came_later(self):
        source = (HERE / "attach_lines.c").read_text()
        for debug_info_first in (True, False):
            process = self.start(self.compile("attach_lines.c", "-g", *PLAIN), "--tier", "baseline")
            self.tell(process, "a")
            if debug_info_first:
                self.asked(process, "debug-info")
            edited = self.file("edited.c", "\n" + source.replace("total * 3 + sum", "total * 5 + sum"))
            self.asked(process, "redefine", "answer_lines", edited, "--flags", " ".join((*PLAIN, "-g")))
            if not debug_info_first:
                self.asked(process, "debug-info")
            for tier in ("baseline", "optimized") if debug_info_first else ("optimized",):
                self.asked(process, "replace", "answer_lines", "--to", tier)
                total = self.tell(process, tier).split()[2]
                seen = self.gdb_on(process, "backtrace full")
                self.assertRegex(seen, r"\n#\d+ +0x\w+ in answer_lines \(seed=[^)]*\) at .*edited.c:\d+\n")
                self.assertEqual(re.findall(r"\n +total = (\d+)\n", seen), [total])
        self.asked(process, "revert", "answer_lines")
        total = self.tell(process, "back").split()[2]
        seen = self.gdb_on(process, "backtrace full")
        self.assertRegex(seen, r"in answer_lines \(seed=[^)]*\) at .*attach_lines.c:\d+\n")
        self.assertEqual(re.findall(r"\n +total = (\d+)\n", seen), [total])

    def test_global_variables(self):
        bitcode = [self.compile(self.file(name, text), "-g", *PLAIN) for name, text in GLOBALS.items()]
        process = self.start(bitcode[0], bitcode[1], "--tier", "baseline")
        self.assertIn('No symbol "counter" in current context', self.gdb_on(process, "print counter"))
        names = ("counter", "limits", "drawn", "*chosen", "shop::price", "shop::inner::prices[1]", "text", "in_function")
        not_known = ("of_thread", "of_threads")
        for count, next_count, in_function in ((1, 40, 6), (41, 7, 12)):
            self.assertEqual(self.tell(process, "x"), str(count))
            self.asked(process, "debug-info") # the second time is nothing more
            seen = self.gdb_on(process, "frame function main", *("print " + name for name in names + not_known), "print twice", f"set variable counter = {next_count}", "print counter")
            self.assertEqual(re.findall(r"\$\d+ = (.*)", seen), [
                str(count), "{1, 2, 3}", f'{{kind = round, width = {count * 2}, name = "ab\\000"}}',
                f'{{kind = square, width = {count * 3}, name = "cd\\000"}}', f"{count}.5", str(7 * count), '"seen\\000\\000\\000"', str(in_function), *["<optimized out>"] * 2, str(next_count)])
            self.assertIn('No symbol "twice" in current context', seen) # several have that name

    def test_programs_without_debug_information_say_so(self):
        bitcode = self.compile("attach_lines.c")
        self.assert_refused(1, "debug_info", "not compiled with -g", by=("run", "--debug-info", bitcode))
        process = self.start(bitcode)
        refused = self.attach(process, "debug-info")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not compiled with -g", refused.stderr)
        self.tell(process, "it goes on")


GLOBALS = {"first.cpp": r'''
#include <stdio.h>
enum kind { round, square };
struct shape { enum kind kind; int width; char name[4]; };
int counter;
const int limits[3] = {1, 2, 3};
static struct shape drawn = {round, 0, "ab"};
struct shape other = {square, 0, "cd"};
static struct shape *chosen = &other;
char text[8] = "seen";
static int twice = 1;
thread_local int of_thread = 5;
static thread_local long of_threads[3] = {1, 2, 3};
namespace shop {
double price;
namespace inner { static int prices[2]; }
}
int second(int n);
int main() {
  char line[100];
  for (puts("ready");; printf("%d\n", counter)) {
    fflush(stdout);
    if (!fgets(line, sizeof line, stdin))
      return text[of_threads[0]];
    static int in_function;
    in_function += twice + of_thread;
    ++of_threads[1];
    ++counter;
    drawn.width = counter * 2;
    chosen->width = counter * 3;
    shop::price = counter + 0.5;
    shop::inner::prices[1] = second(counter) + limits[0] - 1;
  }
}
''', "second.cpp": r'''
static int twice = 7;
int second(int n) { return twice++ ? n * 7 : 0; }
'''}

if __name__ == "__main__":
    unittest.main()
