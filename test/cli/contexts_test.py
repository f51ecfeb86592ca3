#!/usr/bin/env python3
"""Stacks that the program makes by makecontext and its family: their activations are seen, replaced and no evidence against freeing."""
import json
import subprocess
import unittest

from attach_case import AttachCase
from osrctl_case import CLANG, HERE

#: How many contexts wait at once, and activations of descend() on each stack.
WAITING, DEPTH = 10_000, 5

MODES = [[], ["--tier", "baseline"], ["--stress", "every"], ["--tier", "optimized", "--stress", "every"], ["--stress", "all"],
         ["--stress", "random:3"], ["--stress", "async:200"]]
CHURN = [["--stress", "churn:300"], ["--tier", "optimized", "--stress", "churn:300"]]


class Contexts(AttachCase):
    def source(self, name):
        return HERE / "contexts" / f"{name}.c"

    def check(self, name, modes, *options):
        """In all these modes it prints what it prints natively; returns the statistics of each."""
        expected = self.run_command(self.native(self.source(name), *self.for_native(options)))
        self.assertEqual(expected.returncode, 0, expected.stderr)
        bitcode, statistics = self.compile(self.source(name)), []
        for mode in modes:
            stats = self.folder / "stats.json"
            ended = self.osrctl("run", *mode, "--stats", str(stats), *options, bitcode)
            self.assertEqual((ended.returncode, ended.stdout), (0, expected.stdout), f"{mode} {ended.stderr}")
            statistics.append(json.loads(stats.read_text()))
        return statistics

    def for_native(self, options):
        return [option for option in options if option != "--load"]

    def check_replaced(self, name, least, *options):
        statistics = self.check(name, MODES + CHURN, *options)
        for mode, stats in zip(MODES, statistics):
            if mode in (["--stress", "every"], ["--stress", "all"]): # what is optimised may have all in one frame
                transitions = stats["transitions"]
                self.assertGreaterEqual(transitions["continuation"] + transitions["in_place"], least, mode)
                self.assertEqual(set(transitions["refused"]) - {"no record at this call (pinned function or exempt call)"}, set(), mode)
        return statistics

    def test_tasks(self):
        self.check_replaced("tasks", 17_000)

    def test_code_is_freed(self):
        """In spite of activations that wait on such stacks, of which these modes see more than of threads."""
        freed = [stats["freed"] for stats in self.check("tasks", 3 * CHURN)]
        self.assertGreater(sum(each["objects"] for each in freed), 0, freed)

    def test_stacks_that_are_changed_by_jumps(self):
        self.check_replaced("jumps", 9_000)

    def test_contexts_and_stacks_used_otherwise(self):
        self.check("odd", MODES + 2 * CHURN)

    def test_contexts_that_go_on_in_other_threads(self):
        self.check_replaced("moving", 30_000)

    def test_contexts_of_a_library(self):
        library = self.folder / "libcoroutines.so"
        subprocess.run([CLANG, "-O1", "-shared", "-fPIC", "-o", library, self.source("coroutines_library")], check=True)
        self.check_replaced("coroutines", 30_000, "--load", str(library))

    def test_a_handler_that_changes_stacks(self):
        self.check("preempted", [[], ["--tier", "baseline"], ["--tier", "optimized"]] + CHURN)

    def replaced_at_once(self, tier, given_up="0"):
        """All activations that wait, by one request; then they go on as if nothing had been."""
        native = subprocess.Popen([self.native(self.source("waiting")), str(WAITING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        expected = native.communicate("\n\n")[0].splitlines()
        process = self.start(self.compile(self.source("waiting")), "--tier", tier, arguments=[str(WAITING), given_up])
        waiting = self.asked(process, "threads")["waiting"]
        self.assertGreaterEqual(waiting, WAITING)
        shown = self.asked(process, "stack", "all")
        told = [thread for thread in shown["threads"] if "waits" in thread]
        self.assertEqual(len(told) + shown["waiting_left_out"], waiting)
        own = [[frame["function"] for frame in thread["frames"] if not frame.get("foreign")] for thread in told]
        self.assertGreaterEqual(own.count(["descend"] * DEPTH + ["task"]), len(told) - int(given_up))
        other = "optimized" if tier == "baseline" else "baseline"
        outcome = self.asked(process, "replace", "descend", "--to", other)
        answers = [self.tell(process, "")]
        outcome_back = self.asked(process, "replace", "descend", "--to", tier)
        answers.append(self.tell(process, ""))
        self.assertEqual([self.first_line.strip(), *answers], expected)
        self.assertEqual(self.finish(process), (0, ""))
        return outcome, outcome_back

    def test_all_that_wait_are_replaced_at_once(self):
        for tier in ["baseline", "optimized"]:
            for outcome in self.replaced_at_once(tier):
                self.assertEqual((outcome["rewritten"], outcome["refused"]), (WAITING * DEPTH, {}), outcome)

    def test_memory_that_is_no_stack_any_more(self):
        """What was given up is left alone, and keeps nobody from replacing the others."""
        for outcome in self.replaced_at_once("baseline", given_up="100"):
            self.assertEqual(outcome["rewritten"], WAITING * DEPTH, outcome)


if __name__ == "__main__":
    unittest.main()
