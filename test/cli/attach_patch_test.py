#!/usr/bin/env python3
"""osrctl attach PID patch OLD NEW: all functions that differ change at once, or nothing does; revert takes it back."""
import pathlib
import unittest

from attach_case import AttachCase
from osrctl_case import HERE

PLAIN = ("-Xclang", "-disable-llvm-passes")
LINES = (HERE / "attach_lines.c").read_text()

# A main that ends without `return`, which has a result all the same.
ENDS_BY_ITSELF = """
#include <stdio.h>
static char line[100];
__attribute__((noinline)) int next(void) { return fgets(line, sizeof line, stdin) != 0; }
__attribute__((noinline)) int other(void) { return 1000; }
int main(void) {
  int sum = 0;
  puts("ready");
  while (fflush(stdout) == 0 && next()) {
    sum += 1;
    printf("%d\\n", sum);
  }
}
"""


class Patch(AttachCase):
    def begin(self, source, *flags):
        """A program of that source that waits for lines."""
        self.original = source
        self.old = self.file("program.c", source)
        self.flags = (*PLAIN, *flags)
        return self.start(self.compile(self.old, *self.flags), "--tier", "baseline")

    def edited(self, *changes):
        text = self.original
        for old, new in changes:
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        return self.file("edited.c", text)

    def patch(self, process, *changes):
        return self.attach(process, "patch", self.old, self.edited(*changes), "--flags", " ".join(self.flags), "--json")

    def patched(self, process, *changes):
        outcome = self.asked(process, "patch", self.old, self.edited(*changes), "--flags", " ".join(self.flags))
        return outcome["functions"], outcome["old_body"].get("rewritten", 0)

    def test_all_that_differs_changes_and_goes_back(self):
        process = self.begin(LINES)
        first = self.tell(process, "ab").split()
        functions, moved = self.patched(process, ("sum * 31 +", "sum * 37 +"), ("total * 3 +", "total * 5 +"), ("++lines;", "lines += 10;"))
        self.assertEqual((sorted(functions), moved), (["answer_lines", "checksum", "next_line"], 2))
        lines, checksum, total = map(int, self.tell(process, "ab").split())
        # It waited in the old body's call of fgets, and went on in the new ones from there.
        self.assertEqual((lines, total), (int(first[0]) + 10, (int(first[2]) * 5 + checksum) % 2**32))
        self.assertNotEqual(checksum, int(first[1]))
        alone = self.attach(process, "revert", "checksum")
        self.assertIn("patched together with others", alone.stderr)
        back = self.asked(process, "revert")
        self.assertEqual(sorted(back["functions"]), sorted(functions))
        after = list(map(int, self.tell(process, "ab").split()))
        self.assertEqual(after, [lines + 1, int(first[1]), (total * 3 + int(first[1])) % 2**32])
        self.assertIn("osrctl: the newest patch is not taken back: there is none", self.attach(process, "revert").stderr)

    def test_back_and_forth(self):
        process = self.begin(LINES)
        total, checksum = list(map(int, self.tell(process, "a").split()))[:0:-1]
        for round in range(12):
            factor = round % 9 * 2 + 5 # a power of two is no factor to LLVM
            self.patched(process, ("total * 3 +", f"total * {factor} +"), ("= 7;", f"= {factor};"))
            _, checksum, now = map(int, self.tell(process, "a").split())
            self.assertEqual((checksum, now), (factor * 31 + ord("a"), (total * factor + checksum) % 2**32))
            self.asked(process, "revert")
            _, checksum, total = map(int, self.tell(process, "a").split())
            self.assertEqual((checksum, total), (7 * 31 + ord("a"), (now * 3 + checksum) % 2**32))

    def test_a_main_that_ends_by_itself_and_where_it_stays_in_a_later_body(self):
        for level in ("-O0", "-O1"):
            process = self.begin(ENDS_BY_ITSELF, level, "-g")
            self.assertEqual(self.tell(process, "a"), "1")
            lower = ("int main(void) {", "\n\n\nint main(void) {")
            self.assertEqual(self.patched(process, lower, ("sum += 1;", "sum += other();")), (["main"], 1))
            self.assertEqual(self.tell(process, "b"), "1001")
            changes = (lower, ("int sum = 0;", "int sum = 0, extra = next();"), ("sum += 1;", "sum += other() * extra;"))
            line = 1 + pathlib.Path(self.edited(*changes)).read_text().splitlines().index("  while (fflush(stdout) == 0 && next()) {")
            outcome = self.asked(process, "patch", self.edited(*changes), "--flags", " ".join(self.flags))
            self.assertEqual(list(outcome["old_body"]["refused"]), [f"main:{line}, in the call of 'next': 'extra' is new, and needed behind it"])
            process.stdin.close()
            self.assertEqual(process.wait(), 0)

    def test_more_patches_than_bodies_are_kept(self):
        process = self.begin(SHAPES)
        value = lambda version: str(12 * (10 * (version + 2) + version))
        self.assertEqual(self.tell(process, "x"), value(0))
        patches = 11
        for version in range(1, patches + 1):
            functions, _ = self.patched(process, ("n * 2;", f"n * {version + 2} + {version};"), ("of->width *", f"{version} * 0u + of->width *"),
                                        ("return area(", f"return {version} * 0u + area("))
            self.assertIn("scale", functions)
            self.assertEqual(self.tell(process, "x"), value(version))
        for version in range(patches - 1, patches - 9, -1):
            self.assertIn("scale", self.asked(process, "revert")["functions"])
            self.assertEqual(self.tell(process, "x"), value(version))
            self.assertIn("patched together with others", self.attach(process, "revert", "scale").stderr)
        self.assertIn("was not kept", self.attach(process, "revert").stderr)
        self.assertEqual(self.tell(process, "x"), value(patches - 8))

    def test_a_body_of_a_patch_that_is_not_kept(self):
        process = self.begin(SHAPES)
        self.tell(process, "x")
        self.patched(process, ("n * 2;", "n * 3;"), ("return area(", "count += 0; return 2 * area("))
        for factor in range(10, 19):
            edited = self.edited(("n * 2;", f"n * {factor};"))
            self.asked(process, "redefine", "scale", edited, "--flags", " ".join(self.flags))
        self.assertIn("'scale' has been redefined so often", self.attach(process, "revert").stderr)
        self.assertIn("patched together with others", self.attach(process, "revert", "answer").stderr)
        self.assertEqual(self.tell(process, "x"), str(2 * 12 * 180))

    def test_flags_that_inline_what_differs(self):
        process = self.begin(INLINED, "-O0", "-Xclang", "-disable-O0-optnone")
        self.assertEqual(self.tell(process, "x"), "7")
        edited = self.edited(("n + 4", "n + 9"))
        refused = self.attach(process, "patch", self.old, edited)
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertIn("'step' differs, but the compiler has inlined it", refused.stderr)
        self.assertEqual(self.tell(process, "x"), "7")
        self.asked(process, "patch", self.old, edited, "--flags", " ".join(self.flags))
        self.assertEqual(self.tell(process, "x"), "12")

    def test_a_file_is_needed(self):
        process = self.begin(LINES)
        self.assertIn("takes an edited version of a file", self.attach(process, "patch").stderr)
        alone = self.attach(process, "patch", self.edited(("sum * 31 +", "sum * 37 +")), "--flags", " ".join(self.flags))
        self.assertIn("not compiled with -g", alone.stderr)
        self.assertIn("name the version that runs", alone.stderr)

    def patched_alone(self, process, *changes):
        """With the new version only, which another name than the old one's tells nothing of."""
        return self.asked(process, "patch", self.edited(*changes), "--flags", " ".join(self.flags))["functions"]

    def test_the_program_knows_the_old_version(self):
        process = self.begin(SHAPES, "-g")
        self.assertEqual(self.tell(process, "x"), "240")
        self.assertEqual(self.patched_alone(process, ("n * 2", "n * 3")), ["scale"])
        self.assertEqual(self.tell(process, "x"), "360")
        # What was redefined gets what the new version says of it, also if that is what it was at first.
        self.assertEqual(sorted(self.patched_alone(process, ("return area(", "return 1 + area("))), ["answer", "scale"])
        self.assertEqual(self.tell(process, "x"), "241")
        for _ in range(2):
            self.asked(process, "revert")
        self.assertEqual(self.tell(process, "x"), "240")
        refused = self.attach(process, "patch", self.edited(), "--flags", " ".join(self.flags))
        self.assertIn("no function differs", refused.stderr)

    def test_a_program_of_several_files(self):
        self.original = SHAPES
        self.flags = (*PLAIN, "-g")
        bitcode = [self.compile(self.file("main.c", "#define SHAPES\n" + SHAPES), *self.flags),
                   self.compile(self.file("other.c", "static int count; int *used(void) { return &count; }"), *self.flags)]
        process = self.start(bitcode[0], bitcode[1], "--tier", "baseline")
        self.assertEqual(self.tell(process, "x"), "240")
        unknown = self.attach(process, "patch", self.edited(("n * 2", "n * 3")), "--flags", " ".join(self.flags))
        self.assertIn("which of them 'edited.c' is to replace cannot be told", unknown.stderr)
        folder = self.folder / "edited"
        folder.mkdir()
        (folder / "main.c").write_text("#define SHAPES\n" + SHAPES.replace("n * 2", "n * 3"))
        self.assertEqual(self.asked(process, "patch", folder / "main.c", "--flags", " ".join(self.flags))["functions"], ["scale"])
        self.assertEqual(self.tell(process, "x"), "360")

    def test_what_cannot_be_patched_changes_nothing(self):
        process = self.begin(SHAPES, "-g")
        first = self.tell(process, "x")
        change = ("n * 2", "n * 9")
        for refused, words in (
                ([("scale(unsigned n) {", "scale(unsigned n, int more) {"), ("scale(limit / 10)", "scale(limit / 10, 1)")],
                 "'scale' has another signature"),
                ([("static unsigned count;", "static unsigned long count;")], "the variable 'count' has another type"),
                ([("unsigned width, height;", "unsigned width, depth, height;")], "the layout of 'shape' has changed"),
                ([("enum kind { round, square };", "enum kind { square, round };")], "the layout of 'kind' has changed"),
                ([("const unsigned limit = 100;", "const unsigned limit = 90;")], "the constant 'limit' has changed"),
                ([("// more", "static unsigned both;"), ("scale(unsigned n) {", "scale(unsigned n) { both += n;"),
                  ("return area(", "both += 1; return area(")], "the new variable 'both' is used by "),
                ([("// more", "static unsigned missing(unsigned n);"), ("return area(", "return missing(1) + area(")], "missing"),
        ):
            ended = self.patch(process, change, *refused)
            self.assertEqual((ended.returncode, ended.stdout), (1, ""), words)
            self.assertIn(words, ended.stderr)
            self.assertEqual(self.tell(process, "x"), first)
        self.assertIn("no function differs", self.patch(process).stderr)
        self.assertIn("there is none", self.attach(process, "revert").stderr)

    def test_what_is_new_comes_along(self):
        process = self.begin(SHAPES, "-g")
        self.assertEqual(self.tell(process, "x"), "240")
        functions, _ = self.patched(process, ("unsigned scale(unsigned n) {", "static unsigned calls = 40;\n"
                                              "static unsigned more(unsigned n) { return n + calls++; }\nunsigned scale(unsigned n) {"),
                                    ("n * 2", "more(n)"))
        self.assertEqual(functions, ["scale"])
        self.assertEqual([self.tell(process, "x") for _ in range(2)], [str(3 * 4 * (10 + 40)), str(3 * 4 * (10 + 41))])
        self.asked(process, "revert")
        self.assertEqual(self.tell(process, "x"), "240")

    def test_another_text(self):
        process = self.begin(SHAPES)
        self.tell(process, "x")
        functions, moved = self.patched(process, ('"%u\\n"', '"%u!\\n"'))
        self.assertEqual((functions, moved), (["main"], 1))
        self.assertEqual(self.tell(process, "x"), "240!")

    def test_a_program_that_is_not_the_old_version(self):
        process = self.begin(LINES)
        self.original = SHAPES
        self.old = self.file("other.c", SHAPES)
        self.assertIn("the program does not have 'scale'", self.patch(process, ("n * 2", "n * 9")).stderr)
        self.tell(process, "it goes on")

    def test_a_function_that_was_redefined_since(self):
        process = self.begin(LINES)
        self.patched(process, ("sum * 31 +", "sum * 37 +"))
        self.asked(process, "redefine", "checksum", self.edited(("sum * 31 +", "sum * 41 +")), "--flags", " ".join(self.flags))
        self.assertIn("'checksum' has been redefined since", self.attach(process, "revert").stderr)
        self.asked(process, "revert", "checksum")
        self.assertEqual(self.asked(process, "revert")["functions"], ["checksum"])


SHAPES = """
#include <stdio.h>
enum kind { round, square };
struct shape {
  enum kind kind;
  unsigned width, height;
};
// more
const unsigned limit = 100;
static unsigned count;
static struct shape shape = {square, 3, 4};
__attribute__((noinline)) unsigned scale(unsigned n) { return n * 2; }
__attribute__((noinline)) unsigned area(const struct shape *of) { return of->kind == round ? 0 : of->width * of->height; }
__attribute__((noinline)) unsigned answer(void) { return area(&shape) * scale(limit / 10); }
int main(void) {
  puts("ready");
  fflush(stdout);
  char line[100];
  for (; fgets(line, sizeof line, stdin); ++count) {
    printf("%u\\n", answer());
    fflush(stdout);
  }
  return count > 0;
}
"""

INLINED = """
#include <stdio.h>
static int step(int n) { return n + 4; }
int main(void) {
  puts("ready");
  fflush(stdout);
  char line[100];
  while (fgets(line, sizeof line, stdin)) {
    printf("%d\\n", step(3));
    fflush(stdout);
  }
  return 0;
}
"""

if __name__ == "__main__":
    unittest.main()
