#!/usr/bin/env python3
"""Checks osrctl bench: what it compares, that a difference is a failure said by name, and what its JSON and its page hold.

No time is asserted: only that figures are there, and whose they are.
"""
import json
import re
import unittest
import xml.etree.ElementTree

from osrctl_case import CLANG, FIB, OsrctlCase

LINES = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  for (int i = 0; i < atoi(argv[1]); i++)
    printf("<%s> & line %d\\n", argv[0] ? "program" : "", i);
  return 0;
}
"""
# Knows whether it is compiled by osrctl: there, the program that runs is another one.
TELLTALE = """
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
  char self[4096] = "";
  if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
    return 2;
  puts("the same");
  if (strstr(self, "osrctl/osrctl"))
    return puts("only here"), ENDING;
  return 0;
}
"""
COUNTER = "#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf(\"%d\\n\", (int)getpid()); return 0; }\n"
WAITING = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"


class BenchTest(OsrctlCase):
    def program(self, name, text, *flags):
        return self.compile(self.file(name, text), *flags)

    def bench(self, *arguments, status=0):
        """What it printed, and the JSON."""
        result = self.folder / "result.json"
        done = self.osrctl("bench", "--clang", CLANG, "--runs", "2", "--json", str(result), *arguments)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done, json.loads(result.read_text())

    def test_each_way_is_compared_with_native_code(self):
        done, result = self.bench("--ways", "native,plain,baseline,optimized,auto", "--with",
                                  "spoken=--tier auto --speculate", self.file("fib.ll", FIB))
        program, = result["programs"]
        self.assertEqual((program["name"], program["reference"]), ("fib", "native"))
        self.assertIn("exit status 3, 3 bytes", program["outcome"])
        self.assertEqual([way["name"] for way in program["ways"]],
                         ["native", "plain", "baseline", "optimized", "auto", "spoken"])
        for way in program["ways"]:
            self.assertEqual(way["problem"], "")
            self.assertIn(way["name"], done.stdout)
            for key in ["cpu_seconds", "wall_seconds", "first_output_seconds"]:
                self.assertEqual(len(way[key]), 2, f"{way['name']}: {key}")
                self.assertLessEqual(way["summary"][key]["least"], way["summary"][key]["median"])
            if way["name"] != "native": # may be over before it is looked at
                self.assertGreater(way["memory_bytes"], 0)
            self.assertGreater(way["code_bytes"], 0)
        self.assertIn("--speculate", program["ways"][-1]["command"])

    def test_without_a_compiler_the_first_tier_is_the_reference(self):
        done = self.osrctl("bench", "--runs", "1", "--clang", "no-such-clang", "--ways", "native,baseline,auto",
                           self.file("fib.ll", FIB))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("native is left out: 'no-such-clang' is not installed", done.stdout)
        self.assertIn("of baseline", done.stdout)

    def test_who_does_something_else_is_named(self):
        for ending, said in [("0", "prints something else than native, from line 2 on"), ("7", "exit status 7"),
                             ("*(volatile int *)0", "killed by signal 11")]:
            program = self.program("telltale.c", TELLTALE, f"-DENDING={ending}")
            done, result = self.bench("--ways", "native,baseline", program, status=1)
            native, baseline = result["programs"][0]["ways"]
            self.assertEqual((native["problem"], len(native["cpu_seconds"])), ("", 2))
            self.assertIn(said, baseline["problem"])
            self.assertEqual(baseline["cpu_seconds"], [])
            self.assertIn(f"FAILED: telltale, baseline: {baseline['problem']}", done.stderr)

    def test_a_way_that_hangs_or_cannot_start_leaves_the_others_alone(self):
        waiting, fib = self.program("waiting.c", WAITING), self.file("fib.ll", FIB)
        programs = self.file("programs.txt", f"# three\nhangs: {waiting}\n\nmissing: no-such.bc\nfib: {fib} -- x 'y z'\n")
        done, result = self.bench("--ways", "native,baseline", "--timeout", "1", "--with", "odd=--no-such-option",
                                  "--programs", programs, status=1)
        hangs, missing, works = result["programs"]
        self.assertIn("no end within 1 seconds", hangs["ways"][0]["problem"])
        self.assertIn("no-such.bc", missing["ways"][0]["problem"])
        self.assertEqual(works["arguments"], "x y z")
        self.assertEqual([way["problem"] for way in works["ways"][:2]], ["", ""])
        self.assertIn("--no-such-option", works["ways"][2]["problem"])
        for name in ["hangs, native", "missing, all ways", "fib, odd"]:
            self.assertIn(f"FAILED: {name}", done.stderr)

    def test_a_program_that_never_prints_the_same_is_no_failure(self):
        done, result = self.bench("--ways", "native,baseline", self.program("counter.c", COUNTER))
        self.assertIn("native does not print the same in each run", done.stdout)
        self.assertEqual([way["problem"] for way in result["programs"][0]["ways"]], ["", ""])

    def test_the_page_is_whole_and_needs_nothing_else(self):
        page = self.folder / "page.html"
        lines = self.program("lines.c", LINES)
        programs = self.file("programs.txt", f"many: {lines} -- 3000\nfew <&>: {lines} -- 3\n")
        _, result = self.bench("--ways", "native,baseline,auto", "--terminal", "--html", str(page), "--programs", programs)
        text = page.read_text()
        root = xml.etree.ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>"))
        for reference in re.findall(r'(?:href|src|url)\s*[=(]\s*["\']?([^"\')>]*)', text) + re.findall(r"https?://\S*", text):
            self.fail(f"refers to {reference}")
        self.assertNotIn("<script", text)
        self.assertIn("prefers-color-scheme:dark", text)
        rows = [row for row in root.iter("tr") if row.get("title")]
        self.assertEqual(len(rows), sum(len(program["ways"]) for program in result["programs"]))
        labels = [label.get("aria-label") for label in root.iter("svg")]
        self.assertIn("wall of each program", labels)
        self.assertEqual(sum("lines of output a second" in (label or "") for label in labels),
                         sum(any(len(way["lines"]) >= 20 for way in program["ways"]) for program in result["programs"]))
        texts = [element.text for element in root.iter("text")]
        self.assertIn("many", texts)
        self.assertIn("few <&>", texts)
        self.assertIn("wall, relative to the reference (1)", texts)

    def test_a_terminal_shows_each_line_when_it_is_printed(self):
        _, result = self.bench("--ways", "native,baseline", "--terminal", self.program("lines.c", LINES), "--", "500")
        for way in result["programs"][0]["ways"]:
            self.assertEqual(way["lines"][-1][1], 500)

    def test_what_became_worse_since_a_stored_run_is_named(self):
        _, result = self.bench("--ways", "native,baseline", self.file("fib.ll", FIB))
        result["tables"] = [{"title": "walks", "unit": "ns", "rows": [{"name": "short", "values": [8.0, 8.1, 8.2]},
                                                                      {"name": "long", "values": [5.0, 5.1, 9.0]}]}]
        native, baseline = result["programs"][0]["ways"]
        native["cpu_seconds"], baseline["cpu_seconds"] = [1.0, 1.01], [2.0, 2.02]
        before = self.file("before.json", json.dumps(result))
        native["cpu_seconds"], baseline["cpu_seconds"] = [2.0, 2.02], [6.0, 6.06] # the machine is half as fast
        result["tables"][0]["rows"][0]["values"] = [9.0, 9.1, 9.2]
        result["tables"][0]["rows"][1]["values"] = [5.5, 6.0, 9.0] # within the spread
        after, page = self.file("after.json", json.dumps(result)), self.folder / "page.html"
        done = self.osrctl("bench", "--from", after, "--against", before, "--html", str(page))
        self.assertEqual(done.returncode, 0, done.stderr)
        said = [line for line in done.stdout.splitlines() if line.startswith(("WORSE", "better"))]
        self.assertEqual([line.split(": ", 1)[1].rsplit(":", 1)[0] for line in said],
                         ["fib, baseline: CPU", "walks: short"])
        self.assertIn("3 of native, was 2", said[0])
        self.assertIn("fib, baseline: CPU", page.read_text())
        self.assertIn("nothing changed", self.osrctl("bench", "--from", after, "--against", after).stdout)

    def test_requests_that_make_no_sense(self):
        fib = self.file("fib.ll", FIB)
        broken = self.file("broken.json", "{\"programs\": 3}")
        for status, words, by in [(2, ["there is no program"], []), (2, ["no way 'fast'", "native"], ["--ways", "fast", fib]),
                                  (2, ["NAME=OPTIONS"], ["--with", "fast", fib]),
                                  (2, ["a way 'auto' already"], ["--with", "auto=--speculate", fib]),
                                  (2, ["--from"], ["--from", broken, fib]), (1, [broken], ["--from", broken]),
                                  (1, ["no-such.bc"], ["no-such.bc"]), (1, ["no-such"], ["--from", "no-such"]),
                                  (2, ["programs.txt:1"], ["--programs", self.file("programs.txt", "nothing\n")])]:
            self.assert_refused(status, *words, by=["bench", *by])

    def test_instructions_are_counted_on_request(self):
        done, result = self.bench("--ways", "native", "--count", self.file("fib.ll", FIB))
        way, = result["programs"][0]["ways"]
        self.assertGreater(way["instructions"], 1000, done.stdout)


if __name__ == "__main__":
    unittest.main()
