#!/usr/bin/env python3
"""osrctl attach: patches that wait until no activation would end in an old body, which threads they wait for, and progress."""
import json
import os
import subprocess
import unittest
import zlib

from attach_case import AttachCase
from osrctl_case import OSRCTL, TIMEOUT

PLAIN = ("-Xclang", "-disable-llvm-passes")


class Waiting(AttachCase):
    flags = PLAIN

    def setUp(self):
        super().setUp()
        self.old = self.file("program.c", PROGRAM)
        self.process = self.start(self.compile(self.old, *self.flags), "--tier", "baseline")
        self.looker = self.client(self.process)

    def edited(self, *changes):
        text = PROGRAM
        for old, new in changes:
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        return self.file(f"edited_{zlib.crc32(text.encode()):x}.c", text)

    #: `slow` gets another shape, `quick` another number.
    CHANGES = (("n * 10;", "n * 10; if (n == 30) puts(\"three\");"), ("n + 1;", "n + 2;"))

    def words(self, *changes):
        """Both versions, compiled once for several patches."""
        return [self.compile(version, *self.flags) for version in (self.old, self.edited(*(changes or self.CHANGES)))]

    def begin(self, *words):
        """A command that may wait."""
        command = subprocess.Popen([OSRCTL, "attach", str(self.process.pid), *words, "--json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(command.communicate)
        self.addCleanup(command.kill)
        return command

    def ended(self, command):
        output, problem = command.communicate(timeout=TIMEOUT)
        return command.returncode, json.loads(output) if command.returncode == 0 else problem

    def report(self):
        return self.looker.ask("patches")["result"]

    def until(self, is_so, *commands):
        """Fails if one of the commands has ended before."""
        while not is_so(report := self.report()):
            for command in commands:
                self.assertIsNone(command.poll(), "it has not waited")
        return report

    def until_it_waits(self, *commands):
        return self.until(lambda report: report["patches"] and report["patches"][0]["waits"], *commands)

    def old_activations(self, report):
        return [(old["function"], old["lacks"], old["goes_on"]) for thread in report["threads"] for old in thread["old"]]

    def enter_slow(self):
        """The program is in a call of slow(2), which the next line ends."""
        self.assertEqual(self.tell(self.process, "slow"), "in slow")

    def quick(self):
        return self.tell(self.process, "quick")

    def test_a_patch_waits_for_an_activation_to_end(self):
        self.enter_slow()
        command = self.begin("patch", *self.words(), "--wait", "1000")
        report = self.until_it_waits(command)
        number = report["patches"][0]["number"]
        self.assertEqual(sorted(report["patches"][0]["functions"]), ["quick", "slow"])
        self.assertEqual(self.old_activations(report), [("slow", [number], False)])
        self.assertEqual([thread["patched"] for thread in report["threads"]], [False])
        self.assertIn("waits to be made", self.attach(self.process, "patches").stdout)
        self.assertEqual(self.tell(self.process, "3"), "30") # by the old body
        status, outcome = self.ended(command)
        self.assertEqual((status, sorted(outcome["functions"]), outcome["number"]), (0, ["quick", "slow"], number))
        self.assertEqual(self.quick(), "quick 2")
        report = self.report()
        self.assertEqual([patch["waits"] for patch in report["patches"]], [False])
        self.assertEqual([thread["patched"] for thread in report["threads"]], [True])
        self.enter_slow()
        self.assertEqual(self.tell(self.process, "3"), "three")
        self.assertEqual(self.process.stdout.readline(), "30\n")

    def test_it_is_given_up_and_nothing_has_changed(self):
        self.enter_slow()
        status, problem = self.ended(self.begin("patch", *self.words(), "--wait", "0"))
        self.assertEqual(status, 1)
        self.assertRegex(problem, rf"given up after waiting for thread {self.process.pid} in slow")
        self.is_as_before()

    def is_as_before(self):
        self.assertEqual(self.report()["patches"], [])
        self.assertEqual(self.tell(self.process, "3"), "30")
        self.assertEqual(self.quick(), "quick 1")
        self.enter_slow()
        self.assertEqual(self.tell(self.process, "3"), "30")
        self.assertIn("there is none", self.attach(self.process, "revert").stderr)

    def test_who_hangs_up_takes_it_along(self):
        self.enter_slow()
        command = self.begin("patch", *self.words(), "--wait", "1000")
        self.until_it_waits(command)
        command.kill()
        self.until(lambda report: not report["patches"])
        self.is_as_before()

    def test_it_can_be_cancelled(self):
        self.enter_slow()
        self.looker.ask("patches")
        status, _ = self.ended(self.begin("patch", *self.words(), "--wait", "0"))
        self.assertEqual(status, 1)
        self.assertEqual(self.tell(self.process, "4"), "40")
        self.ended(self.begin("patch", *self.words(), "--wait", "0")) # nobody is in slow now
        self.enter_slow()
        client = self.client(self.process)
        request = client.send("revert", wait=1000)
        self.until_it_waits()
        self.assertTrue(self.report()["patches"][0]["goes_back"])
        client.send("cancel", request=request)
        answer = client.answer(request)
        self.assertEqual(answer["error"]["code"], -32002)
        self.assertIn("cancelled while it waited for thread", answer["error"]["message"])
        self.assertEqual(self.tell(self.process, "4"), "40")
        self.assertEqual(self.quick(), "quick 2")

    def test_a_way_back_waits_too(self):
        self.assertEqual(self.ended(self.begin("patch", *self.words(), "--wait", "10"))[0], 0)
        self.enter_slow()
        client = self.client(self.process)
        request = client.send("revert", wait=1000)
        self.until_it_waits()
        self.assertEqual(self.quick_from_slow("3"), ["three", "30", "quick 1"])
        self.assertEqual(sorted(client.answer(request)["result"]["functions"]), ["quick", "slow"])
        self.assertEqual(self.report()["patches"], [])

    def quick_from_slow(self, line):
        """What is printed until quick has its first body again."""
        printed = [self.tell(self.process, line)]
        while printed[-1] != "30":
            printed.append(self.process.stdout.readline().rstrip())
        self.until(lambda report: not report["patches"])
        return printed + [self.quick()]

    def test_what_waits_can_be_forced(self):
        self.assertEqual(self.asked(self.process, "force"), {"forced": []})
        self.assertIn("nothing waits", self.attach(self.process, "force").stdout)
        self.enter_slow()
        command = self.begin("patch", *self.words(), "--wait", "1000")
        number = self.until_it_waits(command)["patches"][0]["number"]
        self.assertEqual(self.asked(self.process, "force"), {"forced": [number]})
        self.assertEqual(self.ended(command)[0], 0)
        report = self.report()
        self.assertEqual(self.old_activations(report), [("slow", [number], False)])
        text = self.attach(self.process, "patches").stdout
        self.assertRegex(text, rf"patch {number}: .*\nthread {self.process.pid}, main, .*: not patched\n  waits in slow.*lacks patch {number}")
        self.assertEqual(self.tell(self.process, "3"), "30") # it ends in its old body
        self.assertEqual(self.report()["threads"][0]["old"], [])
        self.assertEqual(self.quick(), "quick 2")

    def test_what_was_redefined_meanwhile(self):
        self.enter_slow()
        command = self.begin("patch", *self.words(), "--wait", "1000")
        self.until_it_waits(command)
        self.asked(self.process, "redefine", "quick", self.edited(("n + 1;", "n + 5;")), "--flags", " ".join(self.flags))
        status, problem = self.ended(command)
        self.assertEqual(status, 1)
        self.assertIn("'quick' was redefined meanwhile", problem)
        self.assertEqual(self.tell(self.process, "3"), "30")
        self.assertEqual(self.quick(), "quick 5")

    def test_two_that_wait_for_the_same(self):
        self.enter_slow()
        commands = [self.begin("patch", *self.words(), "--wait", "1000")]
        self.until_it_waits(*commands)
        commands.append(self.begin("patch", *self.words(("n * 10;", "n * 20; if (n == 60) puts(\"three\");")), "--wait", "1000"))
        self.until(lambda report: len(report["patches"]) == 2, *commands)
        self.assertEqual(self.tell(self.process, "3"), "30")
        ended = [self.ended(command) for command in commands]
        self.assertEqual(sorted(status for status, _ in ended), [0, 1])
        self.assertIn("'slow' was redefined meanwhile", str(ended))

    def test_one_function_that_is_redefined(self):
        self.enter_slow()
        edited = self.edited(self.CHANGES[0])
        words = ("redefine", "slow", edited, "--flags", " ".join(self.flags))
        given_up = self.attach(self.process, *words, "--wait", "0")
        self.assertIn("given up after waiting for", given_up.stderr)
        self.assertIn("site maps are found", self.attach(self.process, *words, "--wait", "0", "--same-sites").stderr)
        command = self.begin(*words, "--wait", "1000")
        number = self.until_it_waits(command)["patches"][0]["number"]
        self.assertEqual(self.tell(self.process, "3"), "30")
        status, outcome = self.ended(command)
        self.assertEqual((status, outcome["functions"], outcome["number"]), (0, ["slow"], number))
        self.enter_slow()
        self.assertEqual(self.tell(self.process, "3"), "three")
        self.assertEqual(self.process.stdout.readline(), "30\n")
        self.enter_slow()
        given_up = self.attach(self.process, "revert", "slow", "--wait", "0") # alone, as what was redefined alone
        self.assertIn("given up after waiting for", given_up.stderr)
        command = self.begin("revert", "slow", "--wait", "1000")
        waiting = self.until(lambda report: len(report["patches"]) == 2, command)["patches"][0]
        self.assertEqual((waiting["functions"], waiting["waits"], waiting["goes_back"]), (["slow"], True, True))
        self.assertEqual(self.tell(self.process, "3"), "three")
        self.assertEqual(self.process.stdout.readline(), "30\n")
        status, outcome = self.ended(command)
        self.assertEqual((status, outcome["functions"]), (0, ["slow"]))
        self.assertEqual(self.report()["patches"], [])
        self.enter_slow()
        self.assertEqual(self.tell(self.process, "3"), "30")
        self.assertIn("there is none", self.attach(self.process, "revert").stderr)

    def test_a_way_back_whose_goal_changes(self):
        flags = ("--flags", " ".join(self.flags))
        self.asked(self.process, "redefine", "slow", self.edited(self.CHANGES[0]), *flags)
        self.enter_slow()
        client = self.client(self.process)
        request = client.send("revert", function="slow", wait=1000)
        self.until_it_waits()
        # Another way back is faster, and the function has another body before and another one now when the first looks again.
        self.asked(self.process, "revert", "slow")
        self.asked(self.process, "redefine", "slow", self.edited(("n * 10;", "n * 20; if (n == 60) puts(\"six\");")), *flags)
        answer = client.answer(request)
        self.assertIn("'slow' was redefined meanwhile", answer["error"]["message"])
        self.assertEqual(self.tell(self.process, "3"), "three") # the activation ends in its body
        self.assertEqual(self.process.stdout.readline(), "30\n")
        self.enter_slow()
        self.assertEqual(self.tell(self.process, "3"), "six")
        self.assertEqual(self.process.stdout.readline(), "60\n")
        self.asked(self.process, "revert", "slow", "--wait", "0")
        self.enter_slow()
        self.assertEqual(self.tell(self.process, "3"), "30")

    def test_a_patch_that_needs_not_wait(self):
        self.enter_slow()
        outcome = self.ended(self.begin("patch", *self.words(("n * 10;", "n * 11;")), "--wait", "0"))[1]
        self.assertEqual((outcome["same_shape"], outcome["old_body"]["rewritten"]), (["slow"], 1))
        report = self.report()
        self.assertEqual(self.old_activations(report), [("slow", [outcome["number"]], True)])
        self.assertEqual([thread["patched"] for thread in report["threads"]], [True])
        self.assertIn("goes on in the new body", self.attach(self.process, "patches").stdout)
        self.assertEqual(self.tell(self.process, "3"), "33")

    def test_many_rounds(self):
        """Bodies that were put aside again and again leave nothing behind, and calls go where they should."""
        for round in range(10):
            self.enter_slow()
            self.assertEqual(self.ended(self.begin("patch", *self.words(), "--wait", "0"))[0], 1)
            self.assertEqual(self.tell(self.process, "3"), "30")
            self.assertEqual(self.quick(), "quick 1")
            self.assertEqual(self.ended(self.begin("patch", *self.words(), "--wait", "0"))[0], 0)
            self.assertEqual(self.quick(), "quick 2")
            self.asked(self.process, "revert", "--wait", "0")
            self.assertEqual(self.quick(), "quick 1")

    def test_progress_is_told(self):
        self.enter_slow()
        self.ended(self.begin("patch", *self.words(("n + 1;", "n + 3;")), "--wait", "0"))
        client = self.client(self.process)
        request = client.send("replace", function="slow", to="optimized", frames="quiescent")
        progress = client.receive()
        self.assertEqual((progress["method"], progress["params"]["request"]), ("progress", request))
        self.assertIn("old code of 'slow'", progress["params"]["what"])
        self.assertGreaterEqual(progress["params"]["seconds"], 0)
        self.assertEqual(self.tell(self.process, "3"), "30")
        self.assertIn("result", client.answer(request))


class WaitingWithMaps(AttachCase):
    """With debug information an automatic site map says of most calls how activations go on."""

    def test_a_place_that_the_map_knows_and_one_that_it_does_not(self):
        flags = (*PLAIN, "-g")
        old = self.file("program.c", PROGRAM)
        process = self.start(self.compile(old, *flags), "--tier", "baseline")
        client = self.client(process)
        self.assertEqual(self.tell(process, "slow"), "in slow")
        fits = self.file("fits.c", PROGRAM.replace("n * 10;", "n * 10; if (n == 30) puts(\"three\");"))
        gone = self.file("gone.c", PROGRAM.replace("n = read_number();", "n = atoi(next_line());"))
        refused = self.attach(process, "patch", gone, "--wait", "0", "--flags", " ".join(flags))
        self.assertRegex(refused.stderr, r"in slow:\d+, in the call of 'read_number'")
        self.asked(process, "patch", fits, "--wait", "0", "--flags", " ".join(flags))
        self.assertEqual(self.tell(process, "3"), "three")
        self.assertEqual(process.stdout.readline(), "30\n")
        self.asked(process, "revert") # of bodies that came later no lines are known
        self.assertEqual(self.tell(process, "slow"), "in slow")
        self.asked(process, "patch", gone, "--flags", " ".join(flags)) # without --wait it ends in its old body
        [thread] = client.ask("patches")["result"]["threads"]
        self.assertFalse(thread["patched"])
        [waits] = [one for one in thread["old"] if one["function"] == "slow"]
        self.assertEqual((waits["calls"], os.path.basename(waits["file"])), ("read_number", "program.c"))
        self.assertEqual(PROGRAM.splitlines()[waits["line"] - 1].strip(), "n = read_number();")
        self.assertIn("slow:", waits["reason"])


PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char line[100];
__attribute__((noinline)) char *next_line(void) { return fgets(line, sizeof line, stdin); }
__attribute__((noinline)) int read_number(void) { return atoi(next_line()); }
__attribute__((noinline)) int quick(int n) { return n + 1; }
__attribute__((noinline)) int slow(int n) {
  puts("in slow");
  fflush(stdout);
  n = read_number();
  n = n * 10;
  return n;
}
int main(void) {
  puts("ready");
  fflush(stdout);
  while (next_line()) {
    if (!strcmp(line, "slow\\n"))
      printf("%d\\n", slow(2));
    else
      printf("quick %d\\n", quick(0));
    fflush(stdout);
  }
  return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
