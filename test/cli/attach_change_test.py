#!/usr/bin/env python3
"""osrctl attach: functions that are held and redefined, policies that pause, events, and the prompt at a terminal."""
import fcntl
import json
import os
import pty
import re
import select
import shlex
import struct
import subprocess
import termios
import threading
import unittest

from attach_case import AttachCase
from osrctl_case import HERE, OSRCTL, TIMEOUT

LINES = str(HERE / "attach_lines.c")
PLAIN = ("-Xclang", "-disable-llvm-passes")
AT_ONCE = ("--compile-threads", "0", "--tier-threshold", "5") # what is hot is optimised by the thread that finds it so


class Policy(AttachCase):
    def tier_of(self, process, function):
        return self.asked(process, "functions", function)["functions"][0]["tier"]

    def warm_up(self, process):
        for _ in range(30):
            self.tell(process, "a line")

    def test_a_function_that_is_held(self):
        process = self.start(self.compile("attach_lines.c"), *AT_ONCE)
        self.asked(process, "hold", "checksum", "baseline")
        self.warm_up(process)
        self.assertEqual((self.tier_of(process, "checksum"), self.tier_of(process, "next_line")), ("baseline", "optimized"))
        self.assertEqual(self.asked(process, "policy")["held"], {"checksum": "baseline"})
        self.assertEqual(self.asked(process, "release", "checksum"), {"was_held": True})
        self.assertEqual(self.asked(process, "release", "checksum"), {"was_held": False})
        self.warm_up(process)
        self.assertEqual(self.tier_of(process, "checksum"), "optimized")
        self.asked(process, "hold", "checksum", "baseline")
        self.warm_up(process)
        self.assertEqual(self.tier_of(process, "checksum"), "baseline")

    def test_what_was_never_called_is_compiled_as_held(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.asked(process, "hold", "checksum", "optimized")
        self.tell(process, "a line")
        self.assertEqual((self.tier_of(process, "checksum"), self.tier_of(process, "main")), ("optimized", "baseline"))
        self.assertIn("no function 'chksum'", self.attach(process, "hold", "chksum", "baseline").stderr)

    def test_a_policy_that_pauses(self):
        process = self.start(self.compile("attach_lines.c"), *AT_ONCE)
        self.assertEqual(self.asked(process, "pause"), {"policy": "paused"})
        self.warm_up(process)
        self.assertEqual(self.tier_of(process, "checksum"), "baseline")
        self.assertEqual(self.asked(process, "status")["policy"], "paused")
        self.assertEqual(self.asked(process, "resume"), {"policy": "on"})
        self.warm_up(process)
        self.assertEqual(self.tier_of(process, "checksum"), "optimized")

    def test_another_threshold(self):
        for policy in ("counters", "budget"):
            process = self.start(self.compile("attach_lines.c"), "--compile-threads", "0", "--tier-policy", policy, "--tier-threshold", "1000000")
            self.warm_up(process)
            self.assertEqual(self.asked(process, "policy")["threshold"], 1000000)
            self.assertEqual(self.tier_of(process, "checksum"), "baseline")
            self.assertEqual(self.asked(process, "threshold", "2"), {"threshold": 2})
            self.assertEqual(self.asked(process, "policy")["threshold"], 2)
            self.warm_up(process)
            self.assertEqual(self.tier_of(process, "checksum"), "optimized")
        self.assertIn("from 1 to", self.attach(process, "threshold", "0").stderr)
        self.assertIn("from 1 to", self.attach(process, "threshold", str(2**31)).stderr)

    def test_there_may_be_no_policy(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        for words in (["pause"], ["threshold", "7"]):
            self.assertIn("no policy is at work", self.attach(process, *words).stderr)


class Redefinition(AttachCase):
    """The edited file defines all that the original does: the running program's variables and functions are meant."""

    def setUp(self):
        super().setUp()
        self.original = (HERE / "attach_lines.c").read_text()

    def edited(self, old, new):
        self.assertEqual(self.original.count(old), 1, old)
        return self.file("edited.c", self.original.replace(old, new))

    def natively(self, source, lines):
        with open(self.file("lines", "".join(line + "\n" for line in lines))) as file:
            ended = self.run_command(self.native(source), stdin=file)
        return ended.stdout.splitlines()[1:]

    def test_a_function_of_an_edited_file(self):
        process = self.start(self.compile("attach_lines.c"))
        edited = self.edited("sum * 31 +", "sum * 37 +")
        expected = [self.natively(source, "abc")[0].split()[1] for source in (LINES, edited)]
        seen = [self.tell(process, "a").split()[1]]
        outcome = self.asked(process, "redefine", "checksum", edited)
        self.assertTrue(outcome["same_shape"])
        seen.append(self.tell(process, "a").split()[1])
        self.assertEqual(seen, expected)
        self.asked(process, "revert", "checksum")
        self.assertEqual(self.tell(process, "a").split()[:2], ["3", expected[0]]) # and the lines were counted all along

    def test_a_file_with_results_in_memory(self):
        """Such a function has another type in the running program than in the file."""
        self.original = """struct wide { long parts[5]; };
__attribute__((noinline)) struct wide widened(long part) { return (struct wide){{part, 1, 2, 3, part}}; }
""" + self.original.replace("sum * 31 +", "sum * (unsigned)widened(31).parts[4] +")
        process = self.start(self.compile(self.file("wide.c", self.original)))
        before = self.tell(process, "a").split()[1]
        changed = self.edited("{{part, 1, 2, 3, part}}", "{{part, 1, 2, 3, part + 6}}")
        self.asked(process, "redefine", "widened", changed)
        after = self.tell(process, "a").split()[1]
        self.assertNotEqual(before, after)
        self.assertEqual([before, after], [self.natively(source, "a")[0].split()[1] for source in (str(self.folder / "wide.c"), changed)])

    def test_a_loop_that_waits_for_its_input(self):
        for tier in ("baseline", "optimized"):
            process = self.start(self.compile("attach_lines.c"), "--tier", tier)
            total = int(self.tell(process, "x").split()[2])
            outcome = self.asked(process, "redefine", "answer_lines", self.edited("total * 3 +", "total * 5 +"), "--to", tier)
            self.assertEqual((outcome["same_shape"], outcome["old_body"]["rewritten"]), (True, 1))
            _, checksum, after = map(int, self.tell(process, "x").split())
            self.assertEqual(after, (total * 5 + checksum) % 2**32)
            self.asked(process, "revert", "answer_lines")
            _, checksum, last = map(int, self.tell(process, "x").split())
            self.assertEqual(last, (after * 3 + checksum) % 2**32)
            self.finish(process)

    def start_plain(self):
        """Without what clang's optimiser finds out about each function: a new body would have to be the same in that."""
        return self.start(self.compile("attach_lines.c", *PLAIN))

    def test_another_shape_ends_the_old_body(self):
        process = self.start_plain()
        total = int(self.tell(process, "x").split()[2])
        edited = self.edited("total = total * 3 + sum;", "total = total * 3 + sum; if (total % 2) puts(\"odd\");")
        outcome = self.asked(process, "redefine", "answer_lines", edited, "--flags", " ".join(PLAIN))
        self.assertEqual((outcome["same_shape"], outcome["old_body"]["rewritten"]), (False, 0))
        _, checksum, after = map(int, self.tell(process, "x").split())
        self.assertEqual(after, (total * 3 + checksum) % 2**32)
        frames = self.asked(process, "stack")["threads"][0]["frames"]
        self.assertEqual([frame["function"] for frame in frames if frame.get("old_body")], ["answer_lines"])
        refused = self.attach(process, "redefine", "answer_lines", LINES, "--same-sites", "--flags", " ".join(PLAIN))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("site map", refused.stderr)

    def test_static_functions_that_the_file_calls_in_another_way(self):
        """clang's optimiser gives static functions a calling convention of their own; in a program that it has not seen they have C's."""
        source = self.file("program.c", STATIC_FUNCTIONS)
        self.assertEqual(["fastcc" in self.ir_of(source, flag) for flag in ("-O0", "-O1")], [False, True])
        for tier in ("baseline", "optimized"):
            process = self.start(self.compile(source, "-O0"), "--tier", tier)
            self.assertEqual(self.tell(process, "x"), "8")
            edited = self.file("edited.c", STATIC_FUNCTIONS.replace("* 2;", "* 3 + 1000;"))
            self.asked(process, "redefine", "top", edited, "--flags=-O1")
            self.assertEqual(self.tell(process, "x"), str(8 * 3 + 1000))
            edited = self.file("edited.c", STATIC_FUNCTIONS.replace("+ n + 1;", "+ n + 2;"))
            self.asked(process, "redefine", "help", edited, "--flags=-O1")
            self.assertEqual(self.tell(process, "x"), str(13 * 3 + 1000))

    def ir_of(self, source, *flags):
        return subprocess.run([os.environ["OSR_CLANG"], "-w", *flags, "-S", "-emit-llvm", source, "-o", "-"], check=True, stdout=subprocess.PIPE, text=True).stdout

    def test_helpers_that_the_program_does_not_have(self):
        process = self.start_plain()
        edited = self.edited("__attribute__((noinline)) unsigned checksum(const char *text) {",
                             "static unsigned twice(unsigned n) { return n * 2; }\n"
                             "unsigned checksum(const char *text) { return twice((unsigned)strlen(text)); }\n"
                             "unsigned checksum_before(const char *text) {")
        self.asked(process, "redefine", "checksum", edited, "--flags", " ".join(PLAIN))
        self.assertEqual(self.tell(process, "four").split()[1], "10")

    def test_what_does_not_fit_is_refused(self):
        process = self.start_plain()
        for edited, words, function in (
                (self.edited("static int lines;", "static long lines;"), "'lines' is of type 'i32' in the program", "next_line"),
                (self.file("broken.c", self.original.replace("int main(", "int main((")), "does not compile", "checksum"),
                (self.file("none.c", "int other;"), "does not define 'checksum'", "checksum"),
                (self.file("less.c", "int main(void) { return 0; } int others(void) { return 1; }"), "there is no function 'others'", "others"),
                (self.file("type.c", "long checksum(long n) { return n; }"), "its type is", "checksum"),
                (self.file("loop.c", "int odd(int); __attribute__((noinline)) int even(int n) { return n > 1 ? odd(n - 1) + even(n - 2) : 1; }"
                           "__attribute__((noinline)) int odd(int n) { return n > 1 ? even(n - 1) + odd(n - 2) : 0; }"
                           "unsigned checksum(const char *t) { return even(*t); }"),
                 "cannot be inlined into 'checksum'", "checksum"),
                (self.file("missing.c", "int nowhere(int); unsigned checksum(const char *t) { return nowhere(*t); }"), "'nowhere'", "checksum"),
                (self.file("damaged.bc", b"BC\xc0\xde" + bytes(100)), "cannot read", "checksum")):
            flags = [] if edited.endswith(".bc") else ["--flags", " ".join(PLAIN)]
            refused = self.attach(process, "redefine", function, edited, *flags)
            self.assertEqual(refused.returncode, 1, edited)
            self.assertIn(words, refused.stderr)
        client = self.client(process)
        self.assertIn("no base64", client.ask("redefine", function="checksum", ir="%%")["error"]["message"])
        self.assertIn("IR is invalid", client.ask("redefine", function="checksum", ir="eHl6")["error"]["message"])
        for wrong in ([1], [{}], [{"from": 0, "to": 0, "values": [3]}], [{"from": 0, "to": -1, "values": []}],
                      [{"from": 0, "to": 0, "values": [{"from": 2**40}]}]):
            self.assertIn("site_map", client.ask("revert", function="checksum", site_map=wrong)["error"]["message"])
        self.assertEqual(self.tell(process, "x").split()[0], "1")


STATIC_FUNCTIONS = r"""
#include <stdio.h>
static int table[10];
__attribute__((noinline)) static int help(int n) { clearerr(stdin); return table[n % 10] = table[n % 10] + n + 1; }
__attribute__((noinline)) int top(int n) { return help(n) * 2; }
int main(void) {
  char line[50];
  for (puts("ready");; printf("%d\n", top(3)))
    if (fflush(stdout), !fgets(line, sizeof line, stdin))
      return 0;
}
"""


class RecordedFlags(AttachCase):
    """Sources are compiled as those of the program were, where that is recorded."""
    flags = ("-Xclang", "-disable-llvm-passes", "-DFACTOR=(30 + 1)", '-DLABEL="a \\\\ b"', "-MMD", "-g")

    def setUp(self):
        super().setUp()
        (self.folder / "own").mkdir()
        (self.folder / "own" / "factor.h").write_text("enum { TIMES = FACTOR };\n")
        text = (HERE / "attach_lines.c").read_text()
        self.text = '#include "factor.h"\n' + text.replace("sum * 31 +", "sum * TIMES + (LABEL[2] != '\\\\') +")
        self.first = 7 * 31 + ord("a")

    def begin(self, *flags):
        """In its folder, where the edited version is as well."""
        source = self.file("program.c", self.text)
        subprocess.run([os.environ["OSR_CLANG"], "-w", *flags, "-I", "own", "-emit-llvm", "-c", "-o", "program.bc", "program.c"], check=True,
                       cwd=self.folder)
        process = self.start(str(self.folder / "program.bc"), "--tier", "baseline")
        self.assertEqual(self.tell(process, "a").split()[1], str(self.first))
        return process, source

    def test_of_both_kinds(self):
        for record in ("-grecord-command-line", "-frecord-command-line"):
            process, source = self.begin(record, "-O1", *self.flags)
            self.file("program.c", self.text.replace("unsigned sum = 7;", "unsigned sum = 8;"))
            self.asked(process, "redefine", "checksum", source)
            self.assertEqual(self.tell(process, "a").split()[1], str(self.first + 31))
            self.file("program.c", self.text.replace("unsigned sum = 7;", "unsigned sum = 9;"))
            self.assertEqual(self.asked(process, "patch", source)["functions"], ["checksum"])
            self.assertEqual(self.tell(process, "a").split()[1], str(self.first + 62))
            # In their place.
            said = ["-DFACTOR=50", '-DLABEL="abc"', f"-I{self.folder}/own"]
            self.asked(process, "redefine", "checksum", source, "--flags", " ".join(shlex.quote(flag) for flag in said))
            self.assertEqual(self.tell(process, "a").split()[1], str(9 * 50 + 1 + ord("a")))

    def test_nothing_is_recorded(self):
        process, source = self.begin("-O1", *self.flags)
        self.assertIn("does not compile", self.attach(process, "redefine", "checksum", source).stderr)

    def test_what_is_not_taken_from_a_program(self):
        process, source = self.begin("-grecord-command-line", "-O1", *self.flags, "-mllvm", "-inline-threshold=10")
        refused = self.attach(process, "redefine", "checksum", source)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("compiled with '-mllvm', which is not taken from a program", refused.stderr)

    def test_sources_of_one_name(self):
        """The one that is edited in its place is known by its path, a copy is not."""
        bitcode = []
        for name, number in (("left", 10), ("right", 20)):
            (self.folder / name).mkdir()
            source = self.file(f"{name}/part.c", f"__attribute__((noinline)) int {name}(int n) {{ return n + NUMBER; }}\n")
            bitcode.append(str(self.folder / f"{name}.bc"))
            subprocess.run([os.environ["OSR_CLANG"], "-g", "-O1", *PLAIN, "-grecord-command-line", f"-DNUMBER={number}", "-emit-llvm", "-c", "-o",
                            bitcode[-1], source], check=True)
        main = self.file("main.c", 'int left(int), right(int);\n#include <stdio.h>\nint main(void) { for (puts("ready");; printf("%d %d\\n", left(1), right(2)))'
                                   " if (fflush(stdout), getchar() == EOF) return 0; }\n")
        process = self.start(self.compile(main, "-g", *PLAIN), *bitcode, "--tier", "baseline")
        edited = "__attribute__((noinline)) int right(int n) { return n * 2 + NUMBER; }\n"
        copy = self.file("part.c", edited)
        self.assertIn("several sources 'part.c', which were not compiled in the same way", self.attach(process, "redefine", "right", copy).stderr)
        self.asked(process, "redefine", "right", self.file("right/part.c", edited))
        self.assertEqual(self.tell(process, ""), "11 24")


class Names(AttachCase):
    """Functions of C++ by the names that the source has."""

    def test_functions_of_cxx(self):
        process = self.start(self.compile(self.file("shop.cpp", SHOP), *PLAIN), "--tier", "baseline")
        for said in ("_ZN4shop3addIiEET_S1_", "shop::add<int>", "shop::add<int>(int)", "int shop::add<int>(int)"):
            self.assertEqual(self.asked(process, "function", said)["function"], "_ZN4shop3addIiEET_S1_", said)
        for said in ("only", "shop::only", "shop::only()"):
            self.assertEqual(self.asked(process, "function", said)["function"], "_ZN4shop4onlyEv")
        for said in ("operator<", "shop::operator<", "shop::operator<(shop::Large const&, shop::Large const&)"):
            self.assertEqual(self.asked(process, "function", said)["function"], "_ZN4shopltERKNS_5LargeES2_")
        self.assertEqual(self.asked(process, "function", "operator()")["function"], "_ZNK4shop5LargeclEi")
        for said in ("add", "shop::add"):
            self.assertIn(f"'{said}' may be each of _ZN4shop3addIiEET_S1_, _ZN4shop3addIlEET_S1_", self.attach(process, "function", said).stderr)
        for said in ("subtract", "shop", "on", "*", "["):
            self.assertIn(f"no function '{said}'", self.attach(process, "function", said).stderr)
        self.tell(process, "x") # what was not called has no tier
        self.assertRegex(self.attach(process, "functions", "only").stdout, r"\nshop::only\(\) +baseline ")
        self.assertRegex(self.attach(process, "function", "only").stdout, r"^shop::only\(\): ")

    def test_redefined_by_their_names(self):
        process = self.start(self.compile(self.file("shop.cpp", SHOP), *PLAIN), "--tier", "baseline")
        self.assertEqual(self.tell(process, "x"), "33")
        edited = self.file("shop.cpp", SHOP.replace("large(29)", "large(39)"))
        self.asked(process, "redefine", "only", edited, "--flags", " ".join(PLAIN))
        self.assertEqual(self.tell(process, "x"), "43")
        edited = self.file("shop.cpp", SHOP.replace("n + 1}}", "n + 3}}"))
        self.asked(process, "redefine", "shop::large", edited, "--flags", " ".join(PLAIN))
        self.assertEqual(self.tell(process, "x"), "45")

    def test_patched_and_taken_back_by_their_names(self):
        old, new = [self.file(name, text) for name, text in (("shop.cpp", SHOP), ("new.cpp", SHOP.replace("large(29)", "large(39)")))]
        process = self.start(self.compile(old, *PLAIN), "--tier", "baseline")
        self.assertEqual(self.tell(process, "x"), "33")
        for words, said, answer in ((("patch", old, new, "--flags", " ".join(PLAIN)), "the new bodies of shop::only();", "43"),
                                    (("patches",), "patch 1: shop::only()\n", "43"), (("revert",), "the bodies before of shop::only();", "33")):
            self.assertIn(said, self.attach(process, *words).stdout)
            self.assertEqual(self.tell(process, "x"), answer)


SHOP = r'''
#include <stdio.h>
namespace shop {
template <typename T> __attribute__((noinline)) T add(T number) { return number + 1; }
struct Large {
  long parts[5];
  __attribute__((noinline)) long operator()(int at) const { return parts[at]; }
};
__attribute__((noinline)) bool operator<(const Large &left, const Large &right) { return left.parts[0] < right.parts[0]; }
__attribute__((noinline)) Large large(int n) { return {{n, n + 1}}; }
__attribute__((noinline)) int only() { return (int)large(29)(1); }
}
int main(int argc, char **) {
  for (puts("ready");; printf("%d\n", shop::only() + shop::add(1) + (int)shop::add(0L) + (shop::large(argc) < shop::large(0)))) {
    fflush(stdout);
    char line[10];
    if (!fgets(line, sizeof line, stdin))
      return 0;
  }
}
'''


class StaticNames(AttachCase):
    """Several files have static functions and variables of one name: those are meant that are of the edited file."""
    FLAGS = ("-g", *PLAIN)

    def setUp(self):
        super().setUp()
        self.texts = {name: TWINS.replace("NUMBER", number).replace("NAME", name) for name, number in (("left", "10"), ("right", "20"))}

    def begin(self, left, right, *flags):
        bitcode = []
        for name, path in (("left", left), ("right", right), ("main", "main.c")):
            (self.folder / path).parent.mkdir(exist_ok=True)
            source = self.file(path, self.texts.get(name, MAIN_OF_TWINS))
            bitcode.append(str(self.folder / f"{name}.bc"))
            subprocess.run([os.environ["OSR_CLANG"], "-O1", *PLAIN, *flags, "-emit-llvm", "-c", "-o", bitcode[-1], source], check=True)
        process = self.start(*bitcode[:1], *bitcode[1:], "--tier", "baseline")
        self.assertEqual(self.answers(process), [111, 121])
        return process

    def answers(self, process):
        return list(map(int, self.tell(process, "").split()))

    def edit(self, path, name, change):
        return self.file(path, self.texts[name].replace("+ count", change))

    def change(self, process, *words):
        return self.asked(process, *words, "--flags", " ".join(self.FLAGS))

    def refused(self, process, *words):
        refused = self.attach(process, *words, "--flags", " ".join(self.FLAGS))
        self.assertEqual(refused.returncode, 1)
        return refused.stderr

    def test_redefined_and_patched(self):
        process = self.begin("left.c", "right.c", "-g")
        self.change(process, "redefine", "twin", self.edit("right.c", "right", "+ count + 1000"))
        self.assertEqual(self.answers(process), [212, 1222])
        self.change(process, "redefine", "twin", self.edit("left.c", "left", "+ count + 5000"))
        self.assertEqual(self.answers(process), [5313, 1323])
        # Again, with what was redefined before, as patches, and with static hooks, which exist twice too.
        for factor in (2, 3):
            edited = self.edit("right.c", "right", f"+ count * {factor}")
            self.assertEqual(len(self.change(process, "patch", edited, "--before", "reset")["functions"]), 1)
            self.assertEqual(self.answers(process), [5414 + (factor - 2) * 101, 420 + (factor - 2) * 100 + factor])

    def test_files_that_nobody_knows(self):
        process = self.begin("left.c", "right.c", "-g")
        self.assertIn("which is meant cannot be told", self.refused(process, "redefine", "twin", self.edit("other.c", "left", "+ 1")))
        self.assertIn("which is meant cannot be told", self.refused(process, "patch", self.edit("left.c", "left", "+ 1"), self.edit("other.c", "left", "+ 2")))
        self.assertEqual(self.answers(process), [212, 222])
        process = self.begin("left.c", "right.c") # without -g
        self.assertIn("which is meant cannot be told", self.refused(process, "redefine", "twin", self.edit("left.c", "left", "+ 1")))
        self.assertEqual(self.answers(process), [212, 222])

    def test_files_of_one_name(self):
        process = self.begin("a/part.c", "b/part.c", "-g")
        self.change(process, "redefine", "twin", self.edit("b/part.c", "right", "+ count + 1000"))
        self.assertEqual(self.answers(process), [212, 1222])
        self.assertIn("which is meant cannot be told", self.refused(process, "redefine", "twin", self.edit("part.c", "left", "+ 1")))
        self.assertEqual(self.answers(process), [313, 1323])

    def test_by_the_name_that_the_program_has(self):
        process = self.begin("left.c", "right.c", "-g")
        numbered = [each["function"] for each in self.asked(process, "functions", "twin")["functions"] if each["function"] != "twin"]
        self.assertEqual(len(numbered), 1)
        redefined, problems = [], []
        for name in ("left", "right"):
            edited = self.edit(f"{name}.c", name, "+ count + 1000")
            ended = self.attach(process, "redefine", numbered[0], edited, "--flags", " ".join(self.FLAGS))
            if ended.returncode == 0:
                redefined.append(name)
            else:
                problems.append(ended.stderr)
        self.assertEqual((len(redefined), len(problems)), (1, 1))
        self.assertIn(f"is another one than '{numbered[0]}'", problems[0])
        self.assertEqual(self.answers(process), [1212, 222] if redefined == ["left"] else [212, 1222])


MAIN_OF_TWINS = r"""
#include <stdio.h>
int left(void), right(void);
int main(void) {
  for (puts("ready");; printf("%d %d\n", left(), right()))
    if (fflush(stdout), getchar() == EOF)
      return 0;
}
"""
TWINS = r"""
static int count;
__attribute__((noinline)) static int reset(void) { count = 0; return 0; }
__attribute__((noinline)) static int twin(void) {
  static int calls;
  calls += 100;
  return NUMBER + calls + count;
}
int NAME(void) {
  if (++count == 1000000)
    reset();
  return twin();
}
"""


class Events(AttachCase):
    def test_what_happens_is_told_to_who_follows(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        follower, other = self.client(process), self.client(process)
        request = follower.send("events", follow=True)
        self.assertEqual(follower.receive()["method"], "events")
        other.ask("replace", function="answer_lines", to="optimized")
        other.ask("replace", function="nothing", to="optimized")
        events = []
        while len([event for event in events if event["kind"] == "control"]) < 2:
            events.append(follower.receive()["params"])
        kinds = {event["kind"] for event in events}
        self.assertLessEqual({"compile", "request", "control"}, kinds)
        done, refused = [event["what"] for event in events if event["kind"] == "control"]
        self.assertEqual((done["user"], done["process"], done["function"], done["refused"]),
                         (os.getuid(), os.getpid(), "answer_lines", False))
        self.assertTrue(refused["refused"])
        noted = other.ask("events")["result"]["events"]
        self.assertEqual([event["number"] for event in noted], [event["number"] for event in events])
        follower.send("cancel", request=request)
        self.assertEqual(follower.answer(request)["result"]["left_out"], 0)

    def test_events_of_certain_kinds(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        follower, other = self.client(process), self.client(process)
        follower.send("events", follow=True, filter="control, answer_l,")
        self.assertEqual(follower.receive()["method"], "events")
        for function in ("checksum", "answer_lines"):
            other.ask("hold", function=function, tier="optimized")
        events = []
        while [event["kind"] for event in events].count("control") < 2:
            events.append(follower.receive()["params"])
        self.assertTrue(all(event["kind"] == "control" or "answer_lines" in event["name"] for event in events), events)
        self.assertIn("compile", {event["kind"] for event in events})
        noted = self.asked(process, "events", "--filter", "control")["events"]
        self.assertEqual([event["name"] for event in noted], ["hold", "hold"])
        everything = self.asked(process, "events")["events"]
        self.assertIn("checksum", "".join(event["name"] for event in everything))
        self.assertEqual(self.asked(process, "events", "--filter", "nothing-like-it")["events"], [])

    def test_a_line_for_each_event(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        follower = subprocess.Popen([OSRCTL, "attach", str(process.pid), "events", "--follow"], stdout=subprocess.PIPE, text=True,
                                    env=self.environment)
        client = self.client(process)
        seen = ""
        reader = threading.Thread(target=lambda: lines.append(follower.stdout.readline()))
        lines = []
        reader.start()
        while not lines: # it may not listen yet
            client.ask("reclaim")
        self.finish(process)
        seen = lines[0] + follower.stdout.read()
        follower.stdout.close()
        self.assertEqual(follower.wait(TIMEOUT), 1) # the process has ended
        self.assertRegex(seen, r"\d+\.\d+ control +reclaim  process \d+  refused false  user \d+\n")


    def test_who_watches_hears_that_the_program_has_ended(self):
        process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        watcher = subprocess.Popen([OSRCTL, "attach", str(process.pid), "stats", "--watch", "--json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment)
        self.assertEqual(json.loads(watcher.stdout.readline())["/functions/total"], 4)
        self.finish(process)
        seen, errors = watcher.communicate(timeout=TIMEOUT)
        self.assertEqual(watcher.returncode, 1)
        self.assertIn(f"process {process.pid} has ended", errors)


class Terminal:
    """A process at a pseudo-terminal: what is typed, and what the screen shows."""

    def __init__(self, test, command, environment):
        self.test = test
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                        env={**environment, "TERM": "xterm", "HOME": str(test.folder)})
        os.close(theirs)
        self.terminal = ours
        self.text = ""
        test.addCleanup(self.close)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def end(self):
        """The exit status; what it says last is read, or it would wait for that."""
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError: # nobody is at the other end any more
            pass
        return self.process.wait(TIMEOUT)

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def read_until(self, pattern):
        """Reads until the screen shows this, and forgets what came before its end."""
        while not (found := re.search(pattern, self.text)):
            ready, _, _ = select.select([self.terminal], [], [], TIMEOUT)
            self.test.assertTrue(ready, f"no {pattern!r} in {self.text!r}")
            try:
                got = os.read(self.terminal, 65536).decode(errors="replace")
            except OSError:
                got = ""
            self.test.assertTrue(got, f"no {pattern!r} at the end of {self.text!r}")
            self.text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\x07]", "", got)
        seen = self.text[:found.end()]
        self.text = self.text[found.end():]
        return seen


class Prompt(AttachCase):
    def setUp(self):
        super().setUp()
        self.process = self.start(self.compile("attach_lines.c"), "--tier", "baseline")
        self.tell(self.process, "a line")

    def terminal(self):
        terminal = Terminal(self, [OSRCTL, "attach", str(self.process.pid)], self.environment)
        terminal.read_until(f"osrctl {self.process.pid}> ")
        return terminal

    def test_commands_are_completed_and_remembered(self):
        terminal = self.terminal()
        terminal.type("threa\t")
        terminal.read_until("threads ")
        terminal.type("\n")
        terminal.read_until(rf"{self.process.pid} +main .*next_line")
        terminal.read_until("> ")
        terminal.type("function chec\t")
        terminal.read_until("checksum ")
        terminal.type("\n")
        terminal.read_until("baseline .*calls enter it")
        terminal.read_until("> ")
        terminal.type("\x1b[A") # the line before
        terminal.read_until("function checksum")
        terminal.type("\n")
        terminal.read_until("calls enter it")
        terminal.read_until("> ")
        terminal.type("nonsense\n")
        terminal.read_until("'nonsense' is no command; 'help' lists them")
        terminal.read_until("> ")
        terminal.type("quit\n")
        self.assertEqual(terminal.end(), 0)

    def test_long_answers_are_paged(self):
        terminal = Terminal(self, [OSRCTL, "attach", str(self.process.pid)], {**self.environment, "PAGER": "sed 's/^/paged: /'"})
        for rows, columns, is_paged in ((4, 80, True), (60, 10, True), (60, 300, False), (0, 0, False)):
            fcntl.ioctl(terminal.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            terminal.type("stack all\n")
            seen = terminal.read_until(r"answer_lines +baseline")
            self.assertEqual("paged: " in seen, is_paged, seen)
            terminal.type("release main\n")
            terminal.read_until(r'"was_held": false\s+(paged: )?\}')

    def test_pagers_that_are_not_there_or_left_early(self):
        for pager in ("no-such-pager", "true"):
            terminal = Terminal(self, [OSRCTL, "attach", str(self.process.pid)], {**self.environment, "PAGER": pager})
            fcntl.ioctl(terminal.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 3, 80, 0, 0))
            terminal.read_until(f"osrctl {self.process.pid}> ")
            terminal.type("functions\n")
            if pager == "no-such-pager":
                terminal.read_until(r"answer_lines +baseline")
            terminal.read_until(f"osrctl {self.process.pid}> ")
            terminal.type("quit\n")
            self.assertEqual(terminal.end(), 0)

    def test_a_request_that_takes_long_can_be_interrupted(self):
        terminal = self.terminal()
        terminal.type("replace answer_lines --to optimized --frames quiescent\n") # its activation waits for a line
        client = self.client(self.process)
        while client.ask("function", function="answer_lines")["result"]["tier"] != "optimized":
            pass
        terminal.type("\x03")
        terminal.read_until("cancelled while activations of the old code were left")
        terminal.read_until("> ")
        terminal.type("status\n")
        terminal.read_until("up +")

    def test_the_process_ends(self):
        terminal = self.terminal()
        self.finish(self.process)
        terminal.type("status\n")
        terminal.read_until("has ended|is gone")
        self.assertEqual(terminal.end(), 1)

    def test_commands_from_a_file(self):
        with open(self.file("commands", "threads\n\nfunction checksum\nhelp\n")) as commands:
            ended = self.osrctl("attach", str(self.process.pid), stdin=commands, env=self.environment)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        for words in ("next_line", "calls enter it", "replace FUNCTION --to baseline|optimized"):
            self.assertIn(words, ended.stdout)
        with open(self.file("wrong", "function nothing\n")) as commands:
            self.assertEqual(self.osrctl("attach", str(self.process.pid), stdin=commands, env=self.environment).returncode, 1)


if __name__ == "__main__":
    unittest.main()
