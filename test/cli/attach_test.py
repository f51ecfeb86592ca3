#!/usr/bin/env python3
"""osrctl ps and osrctl attach: what a running program shows, and how its frames are sent from tier to tier."""
import json
import os
import re
import unittest

from attach_case import AttachCase
from osrctl_case import HERE

#: Methods that clients need and people do not.
FOR_CLIENTS = {"cancel", "files", "symbols"}


class Looking(AttachCase):
    def test_processes_are_listed(self):
        bitcode = self.compile("attach_lines.c")
        first, second = self.start(bitcode), self.start(bitcode, "--tier", "baseline")
        listed = json.loads(self.osrctl("ps", "--json", env=self.environment).stdout)
        rows = {row["pid"]: row for row in listed}
        for process in (first, second):
            self.assertEqual((rows[process.pid]["program"], rows[process.pid]["threads"]), ("attach_lines.bc", 1))
        table = self.osrctl("ps", env=self.environment).stdout
        self.assertIn(f"{first.pid}  attach_lines.bc", table)
        both = self.attach("attach_lines", "status")
        self.assertEqual(both.returncode, 1)
        self.assertIn(str(second.pid), both.stderr)
        self.finish(first)
        self.assertRegex(self.attach("attach_lines", "status").stdout, rf"process +{second.pid} of user {os.getuid()}\n")

    def test_there_is_a_command_for_each_method(self):
        rows = re.findall(r"^\| (`[^|]+`) \|", (HERE.parent.parent / "docs/control.md").read_text(), re.M)
        methods = set(re.findall(r"`([\w-]+)`", " ".join(rows))) # control_test compares them with the program's
        text = self.osrctl("attach", "--help").stdout.split("Commands:\n")[1].split("Example:")[0]
        self.assertEqual(set(re.findall(r"^([\w-]+)", text, re.M)), methods - FOR_CLIENTS)

    def test_a_stack_has_functions_tiers_and_sites(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.tell(process, "something")
        self.assertEqual(self.own_frames(process),
                         [("next_line", "baseline"), ("answer_lines", "baseline"), ("main", "baseline")])
        frames = [frame for frame in self.asked(process, "stack")["threads"][0]["frames"] if not frame.get("foreign")]
        self.assertEqual([frame["calls"] for frame in frames], ["fgets", "next_line", "answer_lines"])
        text = self.attach(process, "stack", str(process.pid)).stdout
        self.assertRegex(text, rf"thread {process.pid}, main, .*\n(.*\n)*  \d+  answer_lines +baseline +#\d+ calls next_line")
        shallow = self.attach(process, "stack", "--depth", "1").stdout
        self.assertIn("--depth N shows more", shallow)
        self.assertIn("no thread 1 ", self.attach(process, "stack", "1").stderr)

    def test_inlined_frames_have_their_names(self):
        process = self.start(self.compile(self.file("inlined.c", INLINED), "-Xclang", "-disable-llvm-passes"), "--tier", "optimized")
        frames = self.own_frames(process)
        self.assertEqual([function for function, _ in frames], ["inner", "middle", "main"])
        self.assertEqual([tier for _, tier in frames], ["inlined", "inlined", "optimized"])

    def test_functions_and_their_versions(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.tell(process, "something")
        listed = self.asked(process, "functions")
        self.assertEqual([row["function"] for row in listed["functions"]], ["answer_lines", "checksum", "main", "next_line"])
        self.assertEqual({row["tier"] for row in listed["functions"]}, {"baseline"})
        self.assertEqual([row["function"] for row in self.asked(process, "functions", "ma*")["functions"]], ["main"])
        self.assertEqual([row["function"] for row in self.asked(process, "functions", "line")["functions"]],
                         ["answer_lines", "next_line"])
        by_size = self.asked(process, "functions", "--sort", "size", "--limit", "2")
        self.assertEqual((len(by_size["functions"]), by_size["total"]), (2, 4))
        self.assertGreaterEqual(*[row["code_bytes"] for row in by_size["functions"]])
        one = self.asked(process, "function", "checksum")
        self.assertEqual([(version["tier"], version["calls_enter"]) for version in one["versions"]], [("baseline", True)])
        self.assertIn("no function 'chksum'", self.attach(process, "function", "chksum").stderr)

    def test_pinned_functions_say_why(self):
        process = self.start(self.compile(self.file("pinned.c", PINNED)))
        self.assertIn("setjmp", json.dumps(self.asked(process, "function", "main")))
        refused = self.attach(process, "replace", "main", "--to", "optimized")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("'main' is never replaced because it", refused.stderr)

    def test_counters_are_those_of_the_statistics(self):
        process = self.start(self.compile("attach_lines.c"), "--stats", str(self.folder / "stats.json"))
        live = self.asked(process, "stats")
        self.finish(process)
        written = json.loads((self.folder / "stats.json").read_text())
        self.assertEqual(live.keys(), written.keys())
        self.assertEqual(live["functions"]["total"], 4)


class Replacing(AttachCase):
    def test_a_waiting_stack_changes_its_tier_back_and_forth(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        answers = [self.tell(process, "a")]
        for tier in ("optimized", "baseline") * 3:
            for function in ("next_line", "answer_lines", "main"):
                outcome = self.asked(process, "replace", function, "--to", tier)
                self.assertEqual(outcome["rewritten"] + outcome["already"], 1, (function, outcome))
            waiting = self.asked(process, "stack")["threads"][0]["frames"]
            self.assertEqual(sum("waits_for" in frame for frame in waiting), 3)
            answers.append(self.tell(process, tier))
            self.assertIn(("answer_lines", "continuation" if tier == "optimized" else tier), self.own_frames(process))
        status, rest = self.finish(process)
        self.assertEqual((answers, rest, status), natively(self, ["a"] + ["optimized", "baseline"] * 3))

    def test_all_threads_are_what_nobody_chose(self):
        process = self.start(self.compile("attach_loops.c"), "--tier", "baseline")
        stacks = self.attach(process, "stack", "all")
        self.assertEqual(stacks.returncode, 0, stacks.stderr)
        self.assertIn(" in libc.so", stacks.stdout)
        self.assertNotIn(" in /", stacks.stdout)
        threads = [thread["thread"] for thread in self.asked(process, "stack")["threads"]]
        self.assertGreater(len(threads), 1)
        for words in (["all"], [str(threads[0]), "--thread", "all"]):
            self.assertEqual([thread["thread"] for thread in self.asked(process, "stack", *words)["threads"]], threads)
        moved = self.attach(process, "replace", "spin", "--to", "optimized", "--thread", "all")
        self.assertEqual(moved.returncode, 0, moved.stderr)
        self.assertEqual(self.attach(process, "stack", "some").returncode, 2)

    def test_variables_of_one_name_are_told_apart(self):
        source = self.file("twins.c", TWINS)
        process = self.start(self.compile(source, "-g", "-O0"), "--tier", "baseline")
        seen = self.attach(process, "stack", "--values").stdout
        self.assertIn("count = 1 (int), declared in line 3\n", seen)
        self.assertIn("count = 2 (int), declared in line 5\n", seen)
        self.assertRegex(seen, r" names .*\(char \*\*\)\n")
        moved = self.attach(process, "replace", "main", "--to", "optimized").stdout
        self.assertIn("1 activation goes on in the new code", moved)

    def test_threads_in_loops_without_calls(self):
        process = self.start(self.compile("attach_loops.c"), "--tier", "baseline")
        moved = 0
        for tier in ("optimized", "baseline") * 4:
            moved += self.asked(process, "replace", "spin", "--to", tier)["at_polls"]
            self.asked(process, "replace", "step", "--to", tier)
            self.assertEqual(self.tell(process, "go"), "alive")
        self.assertGreater(moved, 0)
        threads = self.asked(process, "threads")["threads"]
        self.assertEqual([thread["role"] for thread in threads], ["main", "program", "program", "program"])
        self.assertEqual(self.finish(process)[0], 23)

    def test_the_tier_has_to_be_said(self):
        process = self.start(self.compile("attach_lines.c"))
        missing = self.attach(process, "replace", "main")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("needs a parameter 'to'", missing.stderr)
        wrong = self.attach(process, "replace", "main", "--to", "fast")
        self.assertIn("baseline|optimized", wrong.stderr)
        self.assertEqual(self.attach(process, "replace", "main", "--too", "fast").returncode, 2)
        self.assertEqual(self.attach(process, "fly").returncode, 2)
        for words, said in ((("stack", "--values=false"), "--values takes no value: stack "), (("stats", "--watch=0"), "--watch takes no value")):
            refused = self.attach(process, *words)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""))
            self.assertIn(said, refused.stderr)
        self.assertIn("'redefine' takes a file with the function's new body", self.attach(process, "redefine", "main").stderr)

    def versions(self, process, function):
        """Numbers by tier, of those in use, and of continuations by their site."""
        listed = [one for one in self.asked(process, "function", function)["versions"] if one["state"] == "in use"]
        return {one.get("continuation_of_site", one["tier"]): one["id"] for one in listed}

    def test_a_version_that_there_is(self):
        process = self.start(self.compile("attach_lines.c", "-Xclang", "-disable-llvm-passes"), "--tier", "baseline")
        self.tell(process, "a line") # answer_lines waits for the next one, in a call
        baseline = self.versions(process, "answer_lines")["baseline"]
        self.assertEqual(self.asked(process, "replace", "answer_lines", "--to", str(baseline))["rewritten"], 0)
        self.asked(process, "replace", "answer_lines", "--to", "optimized", "--frames", "finish")
        numbers = self.versions(process, "answer_lines")
        self.assertEqual(set(numbers), {"optimized"})
        self.refused(process, baseline, "is out of use")
        client = self.client(process)
        self.assertEqual(client.ask("replace", function="answer_lines", to=numbers["optimized"])["result"]["rewritten"], 1)
        self.tell(process, "a line")
        self.assertIn(("answer_lines", "continuation"), self.own_frames(process))
        [(site, continuation)] = (self.versions(process, "answer_lines").items() - numbers.items())
        self.refused(process, continuation, f"goes on from site {site} only")
        self.refused(process, 99999, f"has no version 99999; activations can be sent to {numbers['optimized']} (optimized)")
        self.refused(process, 10**20, f"has no version {10**20}")

    def refused(self, process, version, words):
        ended = self.attach(process, "replace", "answer_lines", "--to", str(version))
        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertIn(words, ended.stderr)

    def test_old_code_goes_when_its_activations_have(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.tell(process, "a")
        self.asked(process, "replace", "answer_lines", "--to", "optimized", "--frames", "finish")
        self.assertTrue(self.asked(process, "reclaim")["something_waits"])
        self.asked(process, "replace", "answer_lines", "--to", "optimized")
        self.tell(process, "b")
        self.assertFalse(self.asked(process, "reclaim")["something_waits"])


def natively(test, lines):
    """What the program answers without any of this."""
    with open(test.file("lines", "".join(line + "\n" for line in lines))) as file:
        ended = test.run_command(test.native("attach_lines.c"), stdin=file)
    return ended.stdout.splitlines()[1:], "", ended.returncode


TWINS = """
#include <stdio.h>
int main(int count, char **names) {
  puts("ready");
  { int count = 2; char line[10] = ""; fflush(stdout), fgets(line, 10, stdin), printf("%d %s", count, line); }
  return count; }
"""
INLINED = """
#include <stdio.h>
static int inner(int n) { return getchar() + n; }
static int middle(int n) { return inner(n + 1) * 2; }
int main(int argc, char **argv) {
  setvbuf(stdout, 0, _IONBF, 0);
  puts("ready");
  return middle(argc) & 63;
}
"""

PINNED = """
#include <setjmp.h>
#include <stdio.h>
static jmp_buf buffer;
int main(void) {
  if (setjmp(buffer))
    return 1;
  puts("ready");
  fflush(stdout);
  if (getchar() == 'x')
    longjmp(buffer, 1);
  return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
