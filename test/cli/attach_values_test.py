#!/usr/bin/env python3
"""osrctl attach PID stack --values: variables have the values that the program says they have, in both tiers and behind transitions."""
import json
import pathlib
import re
import struct
import unittest

from attach_case import AttachCase
from osrctl_case import HERE

PLAIN = ("-Xclang", "-disable-llvm-passes")
ENUMERATORS = {"red": -1, "green": 0, "blue": 7}


def is_same(shown, printed):
    """A value of the answer, and what printf made of it."""
    if isinstance(shown, str):
        return ENUMERATORS[shown] == int(printed) if shown in ENUMERATORS else int(shown, 16) == int(printed, 16)
    if isinstance(shown, float):
        return shown == float(printed) or struct.pack("f", shown) == struct.pack("f", float(printed))
    return int(shown) == int(printed)


def parts_of(name, value):
    """Values by what the program calls them: point.x, list[0]."""
    yield name, value
    if isinstance(value, dict):
        for member, part in value.items():
            yield from parts_of(f"{name}.{member}", part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from parts_of(f"{name}[{index}]", part)


def calls_in(frames):
    """Functions as the source has them, newest first, each with its variables; also what a front end has inlined."""
    for frame in frames:
        if frame.get("foreign") or "lines" not in frame:
            continue
        for index, line in enumerate(frame["lines"]):
            yield line, [each for each in frame["variables"] if each.get("inlined_in", 0) == index], frame


def follow(stack, line):
    """Keeps what a program says of its activations, oldest first, each with its variables. False: the line says something else."""
    words = line.split()
    if line.startswith("  "):
        stack[-1][1][words[0]] = words[1]
    elif words[0] == "frame":
        stack.append((words[1], {}))
    elif words[0] == "leave":
        stack.pop()
    else:
        return False
    return True


class Values(AttachCase):
    compare_variables = True

    def walk(self, source, flags, options, switch):
        """Compares at each place where the program waits; with `switch` all of it changes its tier there. Returns the names of
        variables that were live somewhere, with how often."""
        process = self.start(self.compile(source, "-g", *flags), *options)
        client = self.client(process)
        self.live, self.dead, stack, waits = {}, {}, [], 0
        functions = [row["function"] for row in client.ask("functions")["result"]["functions"]]
        for line in process.stdout:
            if follow(stack, line):
                continue
            if line.split()[0] == "sum":
                self.sum = line
            else:
                self.compare(client, stack)
                if switch:
                    for function in functions:
                        client.ask("replace", function=function, to=("optimized", "baseline")[waits % 2])
                    self.compare(client, stack)
                process.stdin.write("\n")
                process.stdin.flush()
                waits += 1
        self.assertEqual(process.wait(), 0)
        self.assertEqual(stack, [])
        self.assertGreater(waits, 8)
        return self.live

    def compare(self, client, stack):
        frames = client.ask("stack", values=True)["result"]["threads"][0]["frames"]
        calls = [call for call in calls_in(frames) if call[0]["function"] != "wait_here"]
        self.assertEqual([line["function"] for line, _, _ in calls], [name for name, _ in reversed(stack)])
        for (line, variables, frame), (name, printed) in zip(calls, reversed(stack)):
            self.assertGreater(line.get("line", 1), 0) # two calls that became one are on no line
            first = {}
            if not self.compare_variables:
                continue
            for variable in sorted(variables, key=lambda each: -each["declared"]):
                first[variable["name"]] = variable # of those that have one name the outermost
            for variable in first.values():
                if variable.get("value") is None:
                    self.dead[name, variable["name"]] = self.dead.get((name, variable["name"]), 0) + 1
                    continue
                for part, value in parts_of(variable["name"], variable["value"]):
                    if part in printed and not isinstance(value, (dict, list, type(None))):
                        self.assertTrue(is_same(value, printed[part]), (name, line, part, value, printed[part], frame["version"] if "version" in frame else "inlined"))
                        self.live[name, part] = self.live.get((name, part), 0) + 1

    def natively(self, source):
        ended = self.run_command("sh", "-c", f"yes '' | {self.native(source, '-O0')}")
        return re.findall("sum .*\n", ended.stdout)[-1]

    def check(self, source, flags, expected):
        wanted = self.natively(source)
        for options, switch in ((("--tier", "baseline"), False), (("--tier", "optimized"), False), (("--tier", "baseline"), True)):
            with self.subTest(flags=flags, options=options, switch=switch):
                live = self.walk(source, flags, options, switch)
                self.assertEqual(self.sum, wanted)
                self.assertLessEqual(expected, set(live), (live, self.dead))

    def test_all_types_without_optimisation(self):
        self.check("attach_values.c", ("-O0",), EXPECTED - NOT_OBSERVED)

    def test_all_types_optimised(self):
        self.check("attach_values.c", ("-O1",), EXPECTED)

    def test_assignments_that_leave_no_trace(self):
        for flags in (("-O0",), ("-O1", *PLAIN)):
            self.check("attach_values_lost.c", flags, EXPECTED_OF_LOST)

    def test_large_objects_of_which_parts_are_written(self):
        for flags in (("-O0",), ("-O1", *PLAIN)):
            self.check("attach_values_objects.c", flags, EXPECTED_OF_OBJECTS)

    def test_calls_that_became_one_are_in_their_function(self):
        with self.subTest("what clang's optimiser says of variables is its own affair"):
            self.compare_variables = False
            self.check("attach_values_lost.c", ("-O1",), set())

    def test_an_interpreter_without_optimisation(self):
        self.check("attach_values_machine.c", ("-O0",), EXPECTED_IN_MACHINE - NOT_OBSERVED)

    def test_an_interpreter_optimised(self):
        self.check("attach_values_machine.c", ("-O1",), EXPECTED_IN_MACHINE)


class Lines(AttachCase):
    def test_lines_are_there_without_being_asked_for(self):
        process = self.start(self.compile("attach_lines.c", "-g"), "--tier", "baseline")
        self.tell(process, "something")
        frames = [frame for frame in self.asked(process, "stack")["threads"][0]["frames"] if not frame.get("foreign")]
        source = pathlib.Path(HERE / "attach_lines.c").read_text().splitlines()
        for frame, text in zip(frames, ("fgets(line", "while (next_line())", "answer_lines((unsigned)argc)")):
            self.assertTrue(frame["file"].endswith("attach_lines.c"), frame)
            self.assertIn(text, source[frame["line"] - 1])
            self.assertNotIn("variables", frame)
        self.assertRegex(self.attach(process, "stack").stdout, r"answer_lines +baseline +\S*attach_lines.c:\d+ +#\d calls next_line\n")

    def test_values_for_people(self):
        process = self.start(self.compile("attach_lines.c", "-g"), "--tier", "baseline")
        self.tell(process, "a")
        text = self.attach(process, "stack", "--values").stdout
        self.assertRegex(text, r"\n +total = \d+ \(unsigned int\)\n")
        self.assertRegex(text, r"\n +argv is not live here \(char \*\*\)\n")

    def test_programs_without_debug_information_say_so(self):
        process = self.start(self.compile("attach_lines.c"))
        refused = self.attach(process, "stack", "--values")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("not compiled with -g", refused.stderr)
        self.assertNotIn("line", json.dumps([frame for frame in self.asked(process, "stack")["threads"][0]["frames"] if "file" in frame]))
        self.tell(process, "it goes on")

    def test_new_bodies_have_variables_if_they_come_with_them(self):
        source = pathlib.Path(HERE / "attach_lines.c").read_text()
        process = self.start(self.compile("attach_lines.c", "-g", *PLAIN), "--tier", "baseline")
        self.tell(process, "a")
        for flags, factor in (((), 5), (("-g",), 7), ((), 9), (("-g",), 11)):
            edited = self.file("attach_lines.c", "\n" + source.replace("total * 3 + sum", f"total * {factor} + sum"))
            self.asked(process, "redefine", "answer_lines", edited, "--flags", " ".join((*PLAIN, *flags)))
            total = int(self.tell(process, "b").split()[2])
            frames = {frame["function"]: frame for frame in self.asked(process, "stack", "--values")["threads"][0]["frames"] if not frame.get("foreign")}
            self.assertIn("variables", frames["main"])
            self.assertNotIn("old_body", frames["answer_lines"])
            shown = {one["name"]: one.get("value") for one in frames["answer_lines"].get("variables", [])}
            self.assertEqual(shown.get("total"), total if flags else None)
            if flags:
                [line] = frames["answer_lines"]["lines"]
                self.assertEqual((line["function"], line["line"]), ("answer_lines", 1 + 1 + source[:source.index("while (next_line")].count("\n")))


# What has to be live somewhere: whatever is used behind some site.
EXPECTED = {("deeper", "before"), ("main", "argc"), ("main", "round"), ("main", "sum")}
EXPECTED |= {("in_loops", name) for name in ("i", "rounds", "square", "total")}
EXPECTED |= {("in_memory", name) for name in ("kept", "list[4]", "mine", "point.high", "point.low", "point.weight", "point.y", "theirs")}
EXPECTED |= {("scalars", name) for name in ("colour", "f", "g", "h", "letter", "number", "read", "single", "text")}
# Reassigned variables of functions that are not proven to be the same when they are observed.
NOT_OBSERVED = {("in_memory", name) for name in ("kept", "point.high", "point.low", "point.weight", "point.y")} | {("run", name) for name in ("now", "result", "steps")}
EXPECTED_OF_OBJECTS = {("begins_with_parts", f"machine.{part}") for part in (
    "first", "stack[0]", "stack[2]", "top", "tag[0]", "tag[4]", "tag[5]")} | {("copies_and_fills", name) for name in (
        "one.first", "one.stack[1]", "one.tag[0]", "other.first", "other.stack[1]", "other.stack[2]", "other.top", "other.tag[0]",
        "other.tag[1]", "text[1]", "text[63]", "empty[3]", "empty[39]", "numbers[7]")}
EXPECTED_OF_LOST = {("branches", name) for name in ("kept", "pair.left", "pair.right", "times", "which")} | {("main", "round"), ("main", "sum")}
EXPECTED_IN_MACHINE = {("run", name) for name in ("limit", "mark", "now", "result", "steps")} | {("main", "first")}
EXPECTED_IN_MACHINE |= {("swapped", f"{pair}.{side}") for pair in ("from", "result") for side in ("left", "right")}

if __name__ == "__main__":
    unittest.main()
