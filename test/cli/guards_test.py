#!/usr/bin/env python3
"""Checks programs with guards in every tier and mode, also guards in handlers and cleanups, against the same computation in
Python; and what is refused."""
import json
import unittest

from osrctl_case import HERE, OsrctlCase

WORD = (1 << 64) - 1
MODES = [[], ["--stress", "every"], ["--stress", "every:3", "--stubs", "interpreted"], ["--stress", "all:97"],
         ["--stress", "random:1"], ["--stress", "random:2", "--rewrite", "return-point"], ["--stress", "async:1000"],
         ["--stress", "async:1000", "--rewrite", "return-point", "--calls", "direct"], ["--stress", "churn:500"],
         ["--verify"], ["--no-assumptions"], ["--count-residence"]]


class Reference:
    """guarded.ll in Python."""

    def __init__(self):
        self.calls, total = 0, 0
        for i in range(1, 20):
            total = self.add(total, self.tree(10, i))
        self.output = f"{total}\n{self.calls}\n"

    def add(self, a, b):
        if a & 31 != 17:
            return (a + b) & WORD
        self.calls += 1
        return a ^ b

    def mix(self, seed):
        t = (seed * 6364136223846793005 + 1442695040888963407) & WORD
        return self.add(t, 17) if t >> 60 == 9 else t >> 7

    def tree(self, depth, seed):
        if depth == 0:
            return self.mix(seed)
        left = self.tree(depth - 1, self.mix(seed))
        return self.add(left, self.tree(depth - 1, self.mix(left)))


class ExceptionsReference:
    """guarded_exceptions.ll in Python."""

    class Thrown(Exception):
        pass

    def __init__(self):
        self.destroyed, self.exits, total = 0, 0, 0
        for i in range(1, 2001):
            total = (total * 31 + self.outer(i) + sum(range(1, (i & 3) + 1))) & WORD
        self.output = f"{total} {self.destroyed} {self.exits}\n"

    def throws(self, x):
        if x % 3 == 0:
            raise self.Thrown(x)
        return x * 7 + 1

    def destroy(self, x):
        is_slow = x & 15 == 5
        self.exits += is_slow
        self.destroyed += 2 * x if is_slow else x

    def scope(self, x):
        try:
            result = self.throws(x)
        except self.Thrown:
            self.destroy(x + 2)
            raise
        self.destroy(x)
        return result

    def attempt(self, x):
        try:
            return self.scope(x)
        except self.Thrown as thrown:
            value = thrown.args[0]
        if value & 31 != 18:
            return value + x
        self.exits += 1
        return self.throws(value // 2 + x) ^ x

    def outer(self, x):
        try:
            return self.attempt(x)
        except self.Thrown:
            self.destroy(x)
            return 3


class Guards(OsrctlCase):
    def test_results(self):
        expected = Reference().output
        statistics = self.folder / "s.json"
        for tier in ["baseline", "optimized"]:
            for mode in [*MODES, ["--stress", "at:add"], ["--stress", "at:mix"]]:
                ended = self.osrctl("run", "--tier", tier, *mode, "--stats", str(statistics), str(HERE / "guarded.ll"))
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected, ""), f"{tier} {mode}")
                guards = json.loads(statistics.read_text())["guards"]
                if tier == "optimized" and not mode:
                    # Three times each, of two guards; activations of the old code, one for each level, may be left.
                    self.assertEqual(guards["dropped"], 2, guards)
                    self.assertTrue(6 <= guards["failed"] <= 6 + 2 * 12, guards)
                if "--no-assumptions" in mode or "--count-residence" in mode:
                    self.assertEqual(guards["failed"], 0)
                self.assertEqual(guards["refused"], {}, f"{tier} {mode}")

    def test_in_handlers_and_cleanups(self):
        expected = ExceptionsReference().output
        statistics = self.folder / "s.json"
        failed = unwound = 0
        for tier in ["baseline", "optimized"]:
            for mode in [*MODES, ["--stress", "at:attempt"], ["--stress", "at:destroy"], ["--tier-threshold", "30"],
                         ["--stress", "random:3"], ["--stress", "random:4"]]:
                first = "auto" if "--tier-threshold" in mode else tier
                ended = self.osrctl("run", "--tier", first, *mode, "--stats", str(statistics),
                                    str(HERE / "guarded_exceptions.ll"))
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected, ""), f"{first} {mode}")
                counted = json.loads(statistics.read_text())
                self.assertEqual(counted["guards"]["refused"], {}, f"{first} {mode}")
                failed += counted["guards"]["failed"]
                unwound += counted["exceptions"]["unwound"]
                if first == "optimized" and not mode: # in the destructor and in the handler
                    places = {site.split("#")[0] for site in counted["guards"]["exits"]}
                    self.assertEqual(places, {"destroy", "attempt"}, counted["guards"])
        self.assertGreater(failed, 100)
        self.assertGreater(unwound, 1000)

    def test_plain(self):
        ended = self.osrctl("run", "--tier", "plain", str(HERE / "guarded.ll"))
        self.assertEqual((ended.returncode, ended.stdout), (0, Reference().output))

    def program(self, bundle, result="i64", slow="i64 %x"):
        return self.file("program.ll", f"""
            declare {result} @llvm.experimental.deoptimize.x(...)
            define {result} @slow({slow}) "osr-continuation" {{
              unreachable
            }}
            define {result} @f(i64 %x) {{
              %r = call {result} (...) @llvm.experimental.deoptimize.x() [ "deopt"({bundle}) ]
              ret {result} %r
            }}
            define i32 @main() {{
              %r = call {result} @f(i64 1)
              ret i32 0
            }}""".replace("deoptimize.x", "deoptimize." + {"i64": "i64", "[4 x i64]": "a4i64"}[result]))

    def test_errors(self):
        self.assert_refused(1, "'f' deoptimizes into 'slow', which must have the type 'i64 (i64, i64)'", "'i64 (i64)'",
                            by=["run", self.program("ptr @slow, i64 %x, i64 2")])
        self.assert_refused(1, "'f' deoptimizes and returns '[4 x i64]'", "through memory",
                            by=["run", self.program("i64 %x", result="[4 x i64]")])

    def test_nobody_takes_over(self):
        ended = self.osrctl("run", self.program("i64 %x"))
        self.assertEqual(ended.returncode, 1)
        self.assertIn("'f' deoptimizes, and nobody takes its frame state", ended.stderr)

    def test_exits_of_different_conventions(self):
        """The verifier wants all declarations of an exit alike, and guards bring ones of their own."""
        for convention, fails in [("x86_64_sysvcc", "i32"), ("win64cc", "i64"), ("", "i32")]:
            path = self.file("program.ll", f"""
                declare {convention} {fails} @llvm.experimental.deoptimize.{fails}(...)
                declare void @llvm.experimental.guard(i1, ...)
                declare i32 @putchar(i32)
                define i64 @next(i64 %x) "osr-continuation" {{
                  %more = add i64 %x, 1
                  ret i64 %more
                }}
                define i64 @guarded(i64 %x) noinline {{
                  %holds = icmp ult i64 %x, 70
                  call x86_64_sysvcc void (i1, ...) @llvm.experimental.guard(i1 %holds) [ "deopt"(ptr @next, i64 %x) ]
                  %c = call i32 @putchar(i32 46)
                  ret i64 %x
                }}
                define {fails} @exits({fails} %x) noinline {{
                  %holds = icmp ult {fails} %x, 100
                  br i1 %holds, label %goes_on, label %leaves
                goes_on:
                  ret {fails} %x
                leaves:
                  %r = call {convention} {fails} (...) @llvm.experimental.deoptimize.{fails}() [ "deopt"({fails} %x) ]
                  ret {fails} %r
                }}
                define i32 @main() {{
                  %a = call i64 @guarded(i64 69)
                  %b = call i64 @guarded(i64 70)
                  %c = call {fails} @exits({fails} 5)
                  %d = trunc i64 %b to i32
                  %e = call i32 @putchar(i32 %d)
                  ret i32 0
                }}""")
            for mode in MODES[:4]:
                ended = self.osrctl("run", "--tier", "optimized", *mode, path)
                self.assertEqual((ended.stdout, ended.returncode), (".G", 0), (convention, mode, ended.stderr))


if __name__ == "__main__":
    unittest.main()
