#!/usr/bin/env python3
"""osrctl attach: timelines that begin and end while a program runs, and guesses that were wrong."""
import json
import os
import unittest

from attach_case import AttachCase
from speculation_test import PROGRAM
from trace_test import Timeline


class LiveTraces(AttachCase):
    def setUp(self):
        super().setUp()
        self.process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.tell(self.process, "a")
        self.back_and_forth() # stubs are there before anybody traces

    def back_and_forth(self):
        for tier in ("optimized", "baseline"):
            self.asked(self.process, "replace", "answer_lines", "--to", tier)
            self.tell(self.process, tier)

    def traced(self, name, act):
        path = self.folder / name
        self.assertEqual(self.asked(self.process, "trace", "start", path), {"file": str(path)})
        act()
        self.assertEqual(self.asked(self.process, "trace", "stop"), {})
        self.assertEqual(path.stat().st_mode & 0o7777, 0o600)
        return Timeline(self, path.read_text())

    def test_what_happens_meanwhile_is_written(self):
        trace = self.traced("one.json", self.back_and_forth)
        self.assertEqual([(event["name"], event["args"]["to"]) for event in trace["transition"]],
                         [("answer_lines", "continuation"), ("answer_lines", "baseline")])
        self.assertEqual(trace.dropped(), 0)
        self.assertLessEqual({"request", "stop", "pause", "control"}, set(trace.by_category))
        self.back_and_forth() # nobody traces that
        again = self.traced("two.json", self.back_and_forth)
        self.assertEqual(len(again["transition"]), 2)
        self.assertEqual(len([event for event in again["control"] if event["name"] == "replace"]), 2)
        empty = self.traced("three.json", lambda: None)
        self.assertEqual(empty["transition"], [])

    def test_who_follows_events_goes_on(self):
        follower, other = self.client(self.process), self.client(self.process)
        request = follower.send("events", follow=True)
        self.assertEqual(follower.receive()["method"], "events")
        for name in ("one.json", "two.json"):
            self.traced(name, lambda: other.ask("replace", function="main", to="optimized"))
        other.ask("reclaim")
        seen = []
        while "reclaim" not in seen:
            event = follower.receive()["params"]
            if event["kind"] == "control":
                seen.append(event["name"])
        self.assertEqual(seen, ["trace", "replace", "trace"] * 2 + ["reclaim"])
        follower.send("cancel", request=request)
        self.assertEqual(follower.answer(request)["result"]["left_out"], 0)

    def test_what_is_refused(self):
        client = self.client(self.process)
        there, link, target = (self.folder / name for name in ("there", "link", "target"))
        there.write_text("mine")
        link.symlink_to(target)
        for file, words in ((there, "exists"), (link, "exists"), (self.folder / "no" / "folder", "No such file"), ("relative", "whole path"),
                            ("", "whole path")):
            self.assertIn(words, client.ask("trace", action="start", file=str(file))["error"]["message"])
        self.assertEqual((there.read_text(), target.exists()), ("mine", False))
        self.assertIn("no trace is being written", client.ask("trace", action="stop")["error"]["message"])
        client.ask("trace", action="start", file=str(self.folder / "one.json"))
        self.assertIn("written already", client.ask("trace", action="start", file=str(self.folder / "two.json"))["error"]["message"])
        self.assertFalse((self.folder / "two.json").exists())

    def test_the_program_ends_meanwhile(self):
        path = self.folder / "one.json"
        self.asked(self.process, "trace", "start", path)
        self.back_and_forth()
        self.finish(self.process)
        self.assertEqual(len(Timeline(self, path.read_text())["transition"]), 2)

    def test_a_path_from_where_the_client_is(self):
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)
        self.assertEqual(self.asked(self.process, "trace", "start", "here.json"), {"file": str(self.folder / "here.json")})


class Guesses(AttachCase):
    def test_a_guess_that_was_wrong(self):
        program = PROGRAM.replace("%signal%", "declare i32 @puts(ptr)\ndeclare i32 @fflush(ptr)\ndeclare i32 @getchar()")
        program = program.replace("ptr @text, i64 %y)\n", "ptr @text, i64 %y)\n  %f = call i32 @fflush(ptr null)\n  %c = call i32 @getchar()\n")
        process = self.start(self.file("program.ll", program), "--speculate", "--tier-threshold", "100", "--tier-policy", "counters",
                             "--compile-threads", "0")
        answer = self.asked(process, "speculation")
        self.assertTrue(answer["speculates"])
        [guess] = [guess for guess in answer["guesses"] if guess["function"] == "step"]
        self.assertTrue(guess["dropped"])
        self.assertGreater(sum(guess["failed"].values()), 0)
        self.assertEqual(self.asked(process, "function", "step")["guesses"], [guess])
        self.assertEqual(self.asked(process, "speculation", "main")["guesses"], [])
        self.assertIn("not assumed any more", self.attach(process, "function", "step").stdout)
        self.assertRegex(self.attach(process, "speculation").stdout, r"step#\d+ .* times .*not assumed any more")
        self.asked(process, "hold", "step", "baseline")
        self.assertEqual(self.asked(process, "function", "step")["held"], "baseline")
        self.assertIn("no function 'stepp'", self.attach(process, "speculation", "stepp").stderr)


if __name__ == "__main__":
    unittest.main()
