#!/usr/bin/env python3
"""Checks that bad input is answered with a message that names it, and with exit status 1 or 2, never with a crash."""
import contextlib
import pathlib
import random
import re
import subprocess
import sys
import unittest

from attach_case import AttachCase
from osrctl_case import CLANG, FIB, HERE, OSRCTL, OsrctlCase

sys.path.insert(0, str(HERE.parent / "programs"))
from modes import MODES

FAILURE, USAGE = 1, 2


class BadFiles(OsrctlCase):
    def refused(self, name, content, *words):
        path = self.file(name, content)
        for verb in ["sites", "run", "bisect"]:
            self.assert_refused(FAILURE, *words, by=[verb, path])

    def test_no_ir_in_it(self):
        self.refused("empty.bc", "", "empty.bc", "empty", "-emit-llvm")
        self.refused("words.bc", "no IR at all", "words.bc", "line 1", "-emit-llvm")
        self.refused("binary.bc", bytes(range(256)), "binary.bc", "-emit-llvm")
        self.refused("object.o", b"\x7fELF\x02\x01\x01" + bytes(57), "object.o", "-emit-llvm")

    def test_not_there(self):
        for verb in ["sites", "run", "bisect", "code"]:
            self.assert_refused(FAILURE, "nowhere.bc", "No such file", by=[verb, str(self.folder / "nowhere.bc")])
            self.assert_refused(FAILURE, str(self.folder), "directory", by=[verb, str(self.folder)])

    def test_wrong_text(self):
        self.refused("syntax.ll", "define i32 @main( {", "syntax.ll", "line 1")
        self.refused("order.ll", "define i32 @main() {\n  br label %a\na:\n  %x = add i32 %y, 1\n  %y = add i32 1, 2\n"
                     "  ret i32 %x\n}\n", "order.ll", "does not dominate", "%y")

    def test_other_machines(self):
        function = "define i32 @main() {\n  ret i32 0\n}\n"
        self.refused("arm.ll", 'target triple = "aarch64-linux-gnu"\n' + function, "arm.ll", "aarch64-linux-gnu",
                     "--target=x86_64-pc-linux-gnu")
        self.refused("small.ll", 'target triple = "i386-linux-gnu"\n' + function, "small.ll", "i386-linux-gnu")
        self.refused("windows.ll", 'target triple = "x86_64-pc-windows-msvc"\n' + function, "windows.ll", "windows")
        self.refused("layout.ll", 'target datalayout = "e-m:e-p:32:32-i64:64-n8:16:32-S128"\n' + function, "layout.ll",
                     "p:32:32", "--target=x86_64-pc-linux-gnu")

    def test_damaged_bitcode(self):
        """Every truncation, flipped bit and byte too many or too few ends in a message, or in a program that can still be read."""
        source = HERE.parent / "programs" / "recursion_classics.c"
        # From the standard input: its name would be in the bitcode, and the damage another in each clone.
        bitcode = subprocess.run([CLANG, "-w", "-O1", "-x", "c", "-", "-emit-llvm", "-c", "-o", "-"], check=True,
                                 input=source.read_bytes(), stdout=subprocess.PIPE).stdout
        random_source = random.Random(2)
        refused = 0
        for number in range(200):
            damaged = bytearray(bitcode)
            if number % 2:
                del damaged[random_source.randrange(len(damaged)):]
            for _ in range(0 if number % 2 else random_source.choice([1, 1, 4, 20])):
                at = random_source.randrange(len(damaged))
                if random_source.randrange(4):
                    damaged[at] ^= 1 << random_source.randrange(8)
                else: # everything behind it moves
                    damaged[at:at + random_source.randrange(5)] = random_source.randbytes(random_source.randrange(5))
            ended = self.osrctl("sites", self.file("damaged.bc", bytes(damaged)))
            self.assertIn(ended.returncode, [0, FAILURE], f"damage {number}: {ended.stderr}")
            if ended.returncode == FAILURE:
                refused += 1
                self.assertIn("osrctl: ", ended.stderr)
            if number % 2: # a flipped bit may leave a module that is whole but odd: then the message names what is odd
                self.assertEqual(ended.returncode, FAILURE, f"damage {number}")
                self.assertIn("damaged.bc", ended.stderr)
        self.assertGreater(refused, 100) # each truncation at least

    @unittest.skipIf(b"__asan_init" in pathlib.Path(OSRCTL).read_bytes(), "its own allocator ends the process")
    def test_bitcode_that_asks_for_memory(self):
        """A number in a file of some bytes says how much memory is needed to read the rest, which is missing."""
        for types, problem in ((0xFFFFFFF0, "needs too much memory"), (0x1FFFFFFF, "needs too much memory"),
                               (7, "cannot be read")):
            path = self.file("damaged.bc", bitcode_with_types(types))
            self.assert_refused(FAILURE, "damaged.bc", problem, by=["sites", path])


class Bits:
    """A stream of bits as LLVM writes it."""
    def __init__(self):
        self.value, self.length = 0, 0

    def fixed(self, value, width):
        self.value |= value << self.length
        self.length += width

    def variable(self, value, width):
        more = 1 << width - 1
        while value >= more:
            self.fixed(value % more | more, width)
            value //= more
        self.fixed(value, width)

    def align(self):
        self.length += -self.length % 32

    def record(self, width, code, *operands):
        self.fixed(3, width)
        for value in (code, len(operands), *operands):
            self.variable(value, 6)

    @contextlib.contextmanager
    def block(self, outer_width, kind, width):
        self.fixed(1, outer_width)
        self.variable(kind, 8)
        self.variable(width, 4)
        self.align()
        length_at = self.length
        self.fixed(0, 32)
        yield
        self.fixed(0, width)
        self.align()
        self.value |= ((self.length - length_at) // 32 - 1) << length_at


def bitcode_with_types(number):
    """A module which says that so many types follow, and has none."""
    bits = Bits()
    bits.fixed(0xDEC04342, 32)
    with bits.block(2, 8, 3):
        bits.record(3, 1, 2) # the format's version
        with bits.block(3, 17, 3):
            bits.record(3, 1, number)
    bits.align()
    return bits.value.to_bytes(bits.length // 8, "little")


class BadPrograms(OsrctlCase):
    def refused(self, text, *words, verbs=("run", "bisect")):
        path = self.file("program.ll", text)
        for verb in verbs:
            self.assert_refused(FAILURE, *words, by=[verb, path])

    def test_no_main(self):
        self.refused("define i32 @start() {\n  ret i32 0\n}\n", "'main'")
        self.refused("@main = global i32 0\n", "'main'")
        self.refused("declare i32 @main()\ndefine i32 @f() {\n  %x = call i32 @main()\n  ret i32 %x\n}\n", "'main'")

    def test_odd_main(self):
        self.refused("define double @main(double %x) {\n  ret double %x\n}\n", "'main'", "double (double)", "an integer")
        self.refused("define i32 @main({ i32, i32 } %x) {\n  ret i32 0\n}\n", "'main'", "i32 ({ i32, i32 })")
        self.refused("define i32 @main(i32 %a, ptr %b, ptr %c, ptr %d) {\n  ret i32 0\n}\n", "'main'", "i32, ptr, ptr")

    def test_usual_mains(self):
        for arguments in ["", "i32 %n", "i32 %n, ptr %arguments", "i32 %n, ptr %arguments, ptr %environment", "i64 %n", "i32 %n, ..."]:
            for result in "i32", "i64":
                path = self.file("main.ll", f"define {result} @main({arguments}) {{\n  ret {result} 5\n}}\n")
                self.assertEqual(self.osrctl("run", path).returncode, 5, arguments)

    def test_main_without_result(self):
        """The status is any, unless the program says one. It also calls itself."""
        path = self.file("main.ll", """
            declare void @exit(i32) noreturn
            define void @main(i32 %n, ptr %arguments) {
              %last = icmp eq i32 %n, 9
              br i1 %last, label %end, label %more
            more:
              %m = add i32 %n, 1
              call void @main(i32 %m, ptr %arguments)
              ret void
            end:
              call void @exit(i32 %n)
              unreachable
            }
            """)
        for mode in [], ["--tier", "optimized", "--stress", "every"]:
            self.assertEqual(self.osrctl("run", *mode, path).returncode, 9)
        self.assertEqual(self.osrctl("run", self.file("none.ll", "define void @main() {\n  ret void\n}\n")).stderr, "")

    def test_unresolved_symbols(self):
        self.refused("@far = external global i32\ndeclare i32 @away()\ndefine i32 @main() {\n  %x = call i32 @away()\n"
                     "  %y = load i32, ptr @far\n  %z = add i32 %x, %y\n  ret i32 %z\n}\n", "'away'", "'far'", "--load",
                     verbs=["run", "bisect", "code"])

    def test_versions_that_nothing_has(self):
        self.refused('module asm ".symver old_labs, labs@NONE_9.1"\ndeclare i64 @old_labs(i64)\ndefine i32 @main() {\n'
                     "  %x = call i64 @old_labs(i64 3)\n  %y = trunc i64 %x to i32\n  ret i32 %y\n}\n", "'labs@NONE_9.1'")

    def test_bounds_of_sections_that_assembly_fills(self):
        text = ("@__start_places = extern_weak global i64\n@__stop_other = external global i64\n"
                "define void @mark() {\n  call void asm sideeffect \".pushsection \\22places\\22,\\22aw\\22\\0A.quad 1\\0A"
                ".popsection\", \"\"()\n  ret void\n}\ndefine i32 @main() {\n  call void @mark()\n"
                "  %x = icmp eq ptr @__start_places, null\n  %y = zext i1 %x to i32\n  ret i32 %y\n}\n")
        self.refused(text, "'places'", "'mark'", "__start_places", verbs=["run", "bisect", "code"])
        self.refused('module asm ".section other,\\22aw\\22"\nmodule asm ".byte 1"\n' + text.replace("places", "unknown"), "'other'",
                     "module", verbs=["run"])
        others = text.replace("@__stop_other = external global i64\n", "").replace("@__start_places", "@__start_others")
        self.assertEqual(self.osrctl("run", self.file("main.ll", others)).returncode, 1)

    def test_unresolved_calls_for_atomic_operations(self):
        """Code generation would call a library that is not there: said before the program has done anything."""
        load = ("@wide = global i128 1, align 16\ndeclare i32 @puts(ptr)\n"
                "define i32 @main() {\n  %p = call i32 @puts(ptr @wide)\n"
                "  %x = load atomic i128, ptr @wide seq_cst, align 16\n  %y = trunc i128 %x to i32\n  ret i32 %y\n}\n")
        for text, name in [(load, "'__atomic_load_16'"), (load.replace("cst, align 16", "cst, align 4"), "'__atomic_load'")]:
            self.refused(text, name, "--load", verbs=["run", "bisect", "code"])
            self.assertEqual(self.osrctl("run", self.file("main.ll", text)).stdout, "")
        fitting = load.replace("@main()", '@main() "target-features"="+cx16"')
        self.assertEqual(self.osrctl("run", self.file("main.ll", fitting)).returncode, 1)

    def test_two_definitions(self):
        one, other = self.file("one.ll", FIB), self.file("other.ll", "define i32 @fib(i32 %n) {\n  ret i32 %n\n}\n")
        self.assert_refused(FAILURE, "other.ll", "'fib'", "multiply defined", by=["run", one, other])


class BadRequests(OsrctlCase):
    def setUp(self):
        super().setUp()
        self.fib = self.file("fib.ll", FIB)

    def test_stress_modes_are_all_told_and_run(self):
        forms = re.search(r"Force transitions: (.*)", self.osrctl("run", "--help").stdout)[1].split(", ")
        readme = (HERE.parent.parent / "README.md").read_text()
        for form in set(forms) - {"none"}:
            self.assertIn(f"`{form}`", readme)
        run = {mode[mode.index("--stress") + 1].split(":")[0] for mode in MODES if "--stress" in mode}
        self.assertEqual(run, {form.split(":")[0] for form in forms} - {"none", "at"}) # bisect_test has at:

    def test_stress_modes(self):
        for mode in ["", "bogus", "every:", "every:0", "every:-1", "every:x", "every ", "all:99999999999999999999",
                     "random:", "random:1x", "none:1", "at:", "at:#0", "at:fib#", "at:fib#x", "at:fib#-1",
                     "loops:", "loops:0", "polls:x"]:
            self.assert_refused(USAGE, f"'{mode}'", by=["run", "--stress", mode, self.fib])
        self.assert_refused(USAGE, "'bogus'", "every:N", by=["bisect", "--stress", "bogus", self.fib])

    def test_names(self):
        run = lambda mode, *rest: ["run", "--stress", mode, *rest, self.fib]
        self.assert_refused(FAILURE, "'fob'", "did you mean 'fib'?", "osrctl sites", by=run("at:fob#0"))
        self.assert_refused(FAILURE, "'printf'", "only calls it", by=run("at:printf"))
        self.assert_refused(FAILURE, "'fib'", "#0 to #1", "#2", by=run("at:fib#2"))
        self.assert_refused(FAILURE, "'fob'", by=run("none", "--optimize-only", "fib,fob"))
        for verb in ["sites", "lower", "maps"]:
            self.assert_refused(FAILURE, "'fob'", "'fib'", by=[verb, "--function", "fob", self.fib])
        self.assert_refused(FAILURE, "#0 to #1", "#7", by=["maps", "--function", "fib", "--continuation", "7", self.fib])

    def test_pinned_function(self):
        program = self.compile("pinned.c")
        for mode in ["at:catcher", "at:catcher#0"]:
            self.assert_refused(FAILURE, "'catcher'", "setjmp", by=["run", "--stress", mode, program])
        self.assert_refused(FAILURE, "'catcher'", "setjmp",
                            by=["lower", "--function", "catcher", "--continuation", "0", program])

    def test_options(self):
        self.assert_refused(USAGE, "verb", "osrctl --help", by=[])
        self.assert_refused(USAGE, "'frobnicate'", "osrctl --help", by=["frobnicate", self.fib])
        self.assert_refused(USAGE, "program", "osrctl run --help", by=["run"])
        self.assert_refused(USAGE, "--bogus", by=["run", "--bogus", self.fib])
        self.assert_refused(USAGE, "--tier", "fast", "optimized", by=["run", "--tier", "fast", self.fib])
        self.assert_refused(USAGE, "--function", by=["lower", self.fib])
        self.assert_refused(USAGE, "--continuation", "x", by=["maps", "--function", "fib", "--continuation", "x", self.fib])
        self.assert_refused(USAGE, "--tier baseline", "continuation",
                            by=["maps", "--function", "fib", "--tier", "baseline", "--continuation", "0", self.fib])
        self.assert_refused(USAGE, "'sites'", "--", by=["sites", self.fib, "--", "argument"])

    def test_files_of_options(self):
        self.assert_refused(FAILURE, "nowhere.so", "full path", by=["run", "--load", "nowhere.so", self.fib])
        self.assert_refused(FAILURE, "not-a-library", by=["run", "--load", self.file("not-a-library", "x"), self.fib])
        for path in [str(self.folder), str(self.folder / "nowhere" / "stats.json")]:
            self.assert_refused(FAILURE, path, "statistics", by=["run", "--stats", path, self.fib])
        self.assert_refused(FAILURE, "nowhere.txt", by=["bisect", "--input", "nowhere.txt", self.fib])

    def test_help(self):
        for verb in ["", *self.verbs()]:
            ended = self.osrctl(*verb.split(), "--help")
            self.assertEqual((ended.returncode, ended.stderr), (0, ""))
            self.assertIn("Usage: osrctl", ended.stdout)
            if verb:
                self.assertRegex(ended.stdout, rf"Example:\n  osrctl {verb}\b")


class FullDisk(AttachCase):
    def test_output_of_verbs(self):
        fib = self.file("fib.ll", FIB)
        words = {"sites": [fib], "lower": ["--function", "fib", fib], "maps": ["--function", "fib", fib], "code": [fib],
                 "bisect": [fib], "bench": ["--runs", "1", "--ways", "baseline", fib], "ps": [], "print": ["manual"],
                 "attach": [str(self.start(self.compile("attach_lines.c")).pid), "status"]}
        self.assertEqual({"run", *words}, set(self.verbs())) # what is printed under `run` is the program's
        for verb, rest in words.items():
            with open("/dev/full", "w", encoding="ascii") as full:
                ended = self.osrctl(verb, *rest, stdout=full, env=self.environment)
            self.assertEqual(ended.returncode, FAILURE, verb)
            self.assertIn("osrctl: cannot write to stdout: No space left on device", ended.stderr)

    def test_statistics(self):
        """The program has done its work by then: its own status counts."""
        ended = self.osrctl("run", "--stats", "/dev/full", self.file("fib.ll", FIB))
        self.assertEqual((ended.returncode, ended.stdout), (3, "55\n"))
        self.assertIn("'/dev/full': No space left on device", ended.stderr)


if __name__ == "__main__":
    unittest.main()
