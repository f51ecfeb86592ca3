#!/usr/bin/env python3
"""Checks that speculation can be switched on and off, and what it says it did."""
import json
import os
import unittest

from osrctl_case import OsrctlCase

PROGRAM = """
@text = private constant [6 x i8] c"%llu\\0A\\00"
@pointer = global ptr @one
declare i32 @printf(ptr, ...)
%signal%

define i64 @one(i64 %x) {
  %r = mul i64 %x, 3
  ret i64 %r
}
define i64 @two(i64 %x) {
  %r = xor i64 %x, 5
  ret i64 %r
}
define i64 @step(i64 %x) noinline {
  %target = load volatile ptr, ptr @pointer
  %r = call i64 %target(i64 %x)
  %s = add i64 %r, 1
  ret i64 %s
}
define i32 @main() {
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %next, %loop ]
  %x = phi i64 [ 1, %0 ], [ %y, %loop ]
  %phase = and i64 %i, 4096
  %is_one = icmp eq i64 %phase, 0
  %target = select i1 %is_one, ptr @one, ptr @two
  store volatile ptr %target, ptr @pointer
  %y = call i64 @step(i64 %x)
  %next = add i64 %i, 1
  %go = icmp ult i64 %next, 20000
  br i1 %go, label %loop, label %done
done:
  %printed = call i32 (ptr, ...) @printf(ptr @text, i64 %y)
  ret i32 0
}
"""
SIGNAL = """
declare ptr @signal(i32, ptr)
define ptr @never_called(i32 %number) {
  %before = call ptr @signal(i32 %number, ptr null)
  ret ptr %before
}"""


def expected():
    x = 1
    for i in range(20000):
        x = ((x * 3 if i & 4096 == 0 else x ^ 5) + 1) % (1 << 64)
    return f"{x}\n"


class Speculation(OsrctlCase):
    def statistics_of(self, *flags, signal=""):
        """What the statistics say about speculation, None if nothing."""
        program, statistics = self.file("program.ll", PROGRAM.replace("%signal%", signal)), self.folder / "s.json"
        ended = self.osrctl("run", "--compile-threads", "0", "--tier-policy", "counters", *flags, "--stats", str(statistics), program)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected(), ""), str(flags))
        return json.loads(statistics.read_text()).get("speculation")

    def test_on(self):
        for flags in [["--speculate"], ["--speculate", "--speculate-after", "7", "--stress", "random:3"]]:
            made = self.statistics_of(*flags)
            self.assertGreater(made["single_calls"], 0, flags)
            self.assertGreater(made["inlined"], 0, flags)
            self.assertGreater(made["failed"], 0, flags)
            self.assertLess(made["failed"], 20, flags)
            self.assertGreater(made["tested_calls"], 0, flags)

    def test_too_few_executions(self):
        self.assertEqual(set(self.statistics_of("--speculate", "--speculate-after", "1000000").values()), {0})

    def test_off(self):
        for flags in [[], ["--no-speculate"], ["--speculate", "--no-assumptions"], ["--speculate", "--count-residence"]]:
            self.assertIsNone(self.statistics_of(*flags), flags)

    @unittest.skipIf(os.environ.get("OSR_SANITIZE"), "the runtime has a sanitizer's heap, and handlers may interrupt it")
    def test_where_signals_are_handled(self):
        made = self.statistics_of("--speculate", signal=SIGNAL)  # leaving needs nothing that a handler may have interrupted
        self.assertGreater(made["inlined"], 0)
        self.assertGreater(made["failed"], 0)


if __name__ == "__main__":
    unittest.main()
