#!/usr/bin/env python3
"""Checks the timelines that --trace writes: every kind of event, whole numbers, and the same counts as --stats."""
import collections
import json
import os
import signal
import subprocess
import time
import unittest

from osrctl_case import HERE, OSRCTL, OsrctlCase

PROGRAMS = HERE.parent / "programs"
CAUSES = {"request", "first call", "hot entry", "hot loop", "hot in samples", "failed guard", "redefinition", "follow-up",
          "entry from the interpreter", "stress mode"}


class Timeline:
    """The events of a trace, by category."""

    def __init__(self, test, text, is_whole=True):
        if is_whole:
            events = json.loads(text)
        else: # each event is a line of its own; the last one may be torn
            test.assertTrue(text.startswith("[\n"))
            lines = text[2:].split("\n")
            events = [json.loads(line.rstrip(",")) for line in lines[:-1]]
            try:
                events.append(json.loads(lines[-1]))
            except json.JSONDecodeError:
                pass
        self.test, self.events = test, events
        self.by_category = collections.defaultdict(list)
        for event in events:
            self.by_category[event.get("cat", event["ph"])].append(event)
        self.check()

    def __getitem__(self, category):
        return self.by_category[category]

    def check(self):
        test = self.test
        test.assertEqual({event["pid"] for event in self.events}, {self.events[0]["pid"]})
        named = {}
        spans = collections.defaultdict(list)
        for event in self.events:
            if event["ph"] == "M":
                if event["name"] == "thread_name":
                    test.assertNotIn(event["tid"], named)
                    named[event["tid"]] = event["args"]["name"]
                continue
            test.assertGreaterEqual(event["ts"], 0, event)
            if event["ph"] == "X":
                test.assertGreaterEqual(event["dur"], 0, event)
                # In nanoseconds, which are exact.
                begin = round(event["ts"] * 1000)
                spans[event["tid"]].append((begin, begin + round(event["dur"] * 1000), event))
            else:
                test.assertEqual(event["ph"], "i", event)
            if "cause" in event["args"]:
                test.assertIn(event["args"]["cause"], CAUSES, event)
            if event["name"] != "end":
                test.assertIn(event["tid"], named, event)
        self.threads = named
        for of_thread in spans.values():
            self.check_nesting(of_thread)

    def check_nesting(self, spans):
        """Spans of a thread lie in each other or side by side."""
        open_until = []
        for begin, end, event in sorted(spans, key=lambda span: (span[0], -span[1])):
            while open_until and open_until[-1] <= begin:
                open_until.pop()
            self.test.assertTrue(not open_until or end <= open_until[-1], event)
            open_until.append(end)

    def dropped(self):
        return self["trace"][-1]["args"]["transitions_dropped"]


class Traces(OsrctlCase):
    def trace(self, *arguments, status=0):
        """The trace and the statistics of a run."""
        trace, statistics = self.folder / "trace.json", self.folder / "stats.json"
        ended = self.osrctl("run", "--trace", str(trace), "--stats", str(statistics), *arguments)
        self.assertEqual(ended.returncode, status, ended.stderr)
        self.assertEqual(ended.stderr, "")
        return Timeline(self, trace.read_text()), json.loads(statistics.read_text())

    def test_stress(self):
        program = self.compile("recursion.c")
        for stubs in ["generated", "interpreted"]:
            trace, statistics = self.trace("--tier", "baseline", "--stress", "every", "--stubs", stubs, program)
            transitions = statistics["transitions"]
            kinds = collections.Counter(event["args"]["to"] for event in trace["transition"])
            self.assertEqual(kinds["baseline"], transitions["in_place"])
            self.assertEqual(kinds["continuation"], transitions["continuation"])
            self.assertGreater(kinds["continuation"], 0)
            self.assertEqual(trace.dropped(), 0)
            self.assertEqual({event["args"]["cause"] for event in trace["transition"]}, {"stress mode"})
            self.assertEqual({trace.threads[event["tid"]] for event in trace["transition"]}, {"main"})
            self.assertEqual(len(trace["compile"]), sum(tier["count"] for tier in statistics["compile"].values()))
            self.assertEqual({event["args"]["cause"] for event in trace["compile"]}, {"first call", "stress mode"})

    def test_dropped(self):
        """Many transitions: the list may be full now and then, and what is missing is counted."""
        source = self.file("fib.c", """
            __attribute__((noinline)) int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
            int main(void) { return fib(22) == 17711 ? 3 : 1; }""")
        trace, statistics = self.trace("--tier", "baseline", "--stress", "every", self.compile(source), status=3)
        transitions = statistics["transitions"]
        self.assertEqual(len(trace["transition"]) + trace.dropped(),
                         transitions["in_place"] + transitions["continuation"])
        self.assertGreater(transitions["in_place"], 1000)

    def test_tier_up(self):
        trace, statistics = self.trace("--tier-threshold", "100", "--compile-threads", "0",
                                       self.compile(PROGRAMS / "json_printer.c"))
        self.assertEqual(len({event["name"] for event in trace["tier-up"]} - {"queue is full"}),
                         len({event["name"] for event in trace["tier-up"] if event["args"] and event["args"]["first"]}))
        optimised = {event["name"]: event for event in trace["compile"] if event["args"]["tier"] == "optimized"}
        self.assertGreater(len(optimised), 0)
        self.assertLessEqual(set(optimised), {event["name"] for event in trace["tier-up"]})
        for event in optimised.values():
            self.assertEqual(trace.threads[event["tid"]], "main")
            self.assertIn(event["args"]["cause"], ["hot entry", "hot loop"])
            self.assertGreater(event["args"]["code_bytes"], 0)
        requests = [event for event in trace["request"] if "error" not in event["args"]]
        self.assertEqual(sum(event["args"]["rewritten"] for event in requests), statistics["requests"]["rewritten"])
        self.assertEqual(len(requests), statistics["tier_up"]["requests"])
        self.assertEqual(sum(event["args"]["stops"] for event in requests), statistics["requests"]["stops"])

    def test_churn(self):
        trace, statistics = self.trace("--stress", "churn:500", self.compile(PROGRAMS / "threads_pool.c"))
        # Those that are freed while the program ends are too late for the statistics.
        self.assertGreaterEqual(len(trace["free"]), statistics["freed"]["objects"])
        self.assertGreater(len(trace["free"]), 0)
        self.assertTrue(any(event["name"].startswith("redefine ") for event in trace["request"]))
        self.assertTrue(any(event["name"].startswith("replace ") for event in trace["request"]))
        self.assertIn("osr stress", trace.threads.values())
        # Each stop says how many threads it stopped, and each of these threads shows it.
        self.assertEqual(sum(event["args"]["threads"] for event in trace["stop"]), len(trace["pause"]))
        self.assertGreater(len({event["tid"] for event in trace["pause"]}), 1)

    def test_guards(self):
        trace, statistics = self.trace("--tier", "optimized", str(HERE / "guarded.ll"))
        exits = collections.Counter(f"{event['name']}#{event['args']['site']}: {event['args']['reason']}"
                                    for event in trace["guard"])
        self.assertEqual(exits, statistics["guards"]["exits"])
        self.assertGreater(len(exits), 0)
        self.assertIn("failed guard", {event["args"]["cause"] for event in trace["transition"]})

    def test_fork(self):
        """The child of a fork leaves the file alone."""
        source = self.file("forks.c", """
            #include <stdio.h>
            #include <sys/wait.h>
            #include <unistd.h>
            __attribute__((noinline)) int twice(int n) { return printf("") + 2 * n; }
            __attribute__((noinline)) int more(int n) { return twice(n) + 1; }
            int main(void) {
              int sum = 0, status = 0;
              for (int i = 0; i < 8; ++i) {
                pid_t child = fork();
                if (child == 0) {
                  sum = 0;
                  for (int j = 0; j < 1000; ++j)
                    sum += more(j);
                  _exit(sum == 1000000 ? 7 : 1);
                }
                sum += more(i);
                waitpid(child, &status, 0);
                if (WEXITSTATUS(status) != 7)
                  return 1;
              }
              return sum == 64 ? 0 : 1;
            }""")
        trace, statistics = self.trace("--stress", "every", "--tier", "baseline", self.compile(source))
        transitions = statistics["transitions"]
        self.assertEqual(len(trace["transition"]), transitions["in_place"] + transitions["continuation"])

    def test_killed(self):
        """What had happened before can be read."""
        path = self.folder / "trace.json"
        process = subprocess.Popen([OSRCTL, "run", "--trace", str(path), "--stress", "async:200",
                                    self.compile("endless.c")], stdout=subprocess.DEVNULL)
        try:
            end = time.monotonic() + 60
            while not path.exists() or path.read_text().count('"cat":"transition"') < 5:
                self.assertLess(time.monotonic(), end)
                self.assertIsNone(process.poll())
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        trace = Timeline(self, path.read_text(), is_whole=False)
        self.assertGreaterEqual(len(trace["transition"]), 5)
        self.assertGreater(len(trace["compile"]), 0)

    def test_unwritable(self):
        program = self.compile("recursion.c")
        self.assert_refused(1, "cannot write a trace to", "nowhere/trace.json", "No such file",
                            by=["run", "--trace", str(self.folder / "nowhere" / "trace.json"), program])
        self.assert_refused(1, "cannot write a trace to", "Is a directory",
                            by=["run", "--trace", str(self.folder), program])

    def test_full_disk(self):
        """A trace that cannot be written to its end costs the program nothing."""
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        ended = self.osrctl("run", "--trace", "/dev/full", "--stress", "every", self.compile("recursion.c"))
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "bottom\n927\n", ""))


if __name__ == "__main__":
    unittest.main()
