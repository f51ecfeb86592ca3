#!/usr/bin/env python3
"""osrctl attach PID patch: activations go on in new bodies where an automatic site map says how, and nowhere else."""
import unittest

from attach_case import AttachCase
from osrctl_case import HERE
from site_map_cases import PAIRS

PLAIN = ("-g", "-O1", "-Xclang", "-disable-llvm-passes")
UNOPTIMIZED = ("-g", "-O0")


def program(pairs, which):
    bodies = "\n".join(pair.versions()[which] for pair in pairs)
    entries = "".join(f'    {{"{pair.name}", {pair.name}, {pair.arguments[0]}, {pair.arguments[1]}, {pair.wait_at}}},\n' for pair in pairs)
    return f'#include "{HERE}/site_map_program.h"\n#include <stdlib.h>\n{bodies}\nstatic struct waiter all[] = {{\n{entries}}};\n' \
           f"int main(int argc, char **argv) {{\n  if (argc > 1)\n    wait_for_line(\"begins\");\n  run_all(all, {len(pairs)});\n  return 0;\n}}\n"


class Sites(AttachCase):
    maxDiff = None

    def patched(self, flags, *options):
        process = self.start(self.compile(self.file("old.c", program(PAIRS, 0)), *flags), *options)
        old = str(self.folder / "old.bc")
        new = self.compile(self.file("new.c", program(PAIRS, 1)), *flags)
        return process, self.asked(process, "patch", old, new)

    def check(self, flags, *options):
        self.check_outcome(*self.patched(flags, *options))

    def check_outcome(self, process, outcome, otherwise=(), ends=None):
        """`otherwise` has the reasons of pairs that are refused for another one than elsewhere, or are not. Who is refused for it prints what
        `ends` has."""
        refused = outcome["old_body"]["refused"]
        expected, unexpected, stays = [], {}, 0
        for pair in PAIRS:
            reasons = [reason for reason in refused if reason.startswith((pair.name + ":", pair.name + ","))]
            wanted = otherwise[pair.name] if pair.name in otherwise else pair.refused
            if not any(wanted in reason for reason in reasons) if wanted else reasons:
                unexpected[pair.name] = reasons
            stays += wanted != ""
            expected.append(ends[pair.name] if wanted and pair.name in otherwise else f"{pair.name}: {pair.noted}")
        self.assertEqual(unexpected, {})
        self.assertEqual(sum(refused.values()), stays)
        self.assertEqual(outcome["old_body"]["rewritten"], len(PAIRS) - stays)
        status, output = self.finish(process)
        self.assertEqual(status, 0)
        self.assertEqual(output.splitlines(), expected)

    def test_baseline(self):
        self.check(PLAIN, "--tier", "baseline")

    def test_optimized(self):
        self.check(PLAIN, "--tier", "optimized")

    def test_unoptimized_bitcode(self):
        self.check(UNOPTIMIZED)

    def check_back(self, flags, *options):
        """A program of the new versions is patched to the old ones before they begin: its way back is what a patch is elsewhere."""
        new, old = (self.file(name, program(PAIRS, which)) for name, which in (("new.c", 1), ("old.c", 0)))
        compiled = [self.compile(version, *flags) for version in (new, old)]
        process = self.start(compiled[0], *options, arguments=("later",))
        self.asked(process, "patch", *compiled)
        self.assertEqual(self.tell(process, ""), "ready")
        # The body that came later was made to be entered: it keeps what it needs, and no more, and LLVM has not found out whom it calls by pointer.
        otherwise = {"floating_point": "does not keep 'mean' there", "result_in_an_expression": "does not keep 'sum' there", "call_by_pointer": ""}
        self.check_outcome(process, self.asked(process, "revert"), otherwise, self.natively(0))

    def natively(self, which):
        """What each function prints if it is never changed."""
        program_file = self.native(self.file("plain.c", program(PAIRS, which)), "-O0")
        return {line.split(":")[0]: line for line in self.run_command(program_file).stdout.splitlines() if ":" in line}

    def test_back_in_baseline(self):
        self.check_back(PLAIN, "--tier", "baseline")

    def test_back_optimized(self):
        self.check_back(PLAIN, "--tier", "optimized")

    def test_back_from_unoptimized_bitcode(self):
        self.check_back(UNOPTIMIZED)

    def test_back_before_anybody_has_gone_on(self):
        """Who waits in the body before goes on in it, as if there had been no other."""
        process, _ = self.patched(PLAIN, "--tier", "baseline")
        self.asked(process, "revert")
        status, output = self.finish(process)
        self.assertEqual(status, 0)
        stayed = [pair for pair in PAIRS if not pair.name.startswith("loop_that_calls_nothing")] # these are in the newer one at once
        ended = {line.split(":")[0]: line for line in output.splitlines()}
        native = self.natively(0)
        self.assertEqual([ended[pair.name] for pair in stayed], [native[pair.name] for pair in stayed])

    def test_a_loop_goes_back_again_and_again(self):
        """Two patches on top of each other, and both ways back: the body that came later is made again, and so is the program's own."""
        source = (HERE / "attach_lines.c").read_text()
        versions = [lambda total, sum: (total * 3 + sum) % 2**32]
        edits = []
        for odd in (1000, 5000):
            edits.append(self.file(f"edited{odd}.c", source.replace("total * 3 + sum;", f"total * 3 + sum;\n    if (total % 2)\n      total += {odd}{', ++lines' if odd == 5000 else ''};")))
            versions.append(lambda total, sum, odd=odd: ((total * 3 + sum) % 2**32 + (odd if (total * 3 + sum) % 2 else 0)) % 2**32)
        for tier in ("baseline", "optimized"):
            process = self.start(self.compile(str(HERE / "attach_lines.c"), *PLAIN), "--tier", tier)
            total = 0

            def answers(version, begins=False):
                nonlocal total
                for line in "abc":
                    _, checksum, now = map(int, self.tell(process, line).split())
                    if begins:
                        return now
                    total = versions[version](total, checksum)
                    self.assertEqual(now, total, version)

            total = answers(0, begins=True)
            answers(0)
            for alone, wait in ((True, ()), (False, ()), (False, ("--wait", "0"))) * 2:
                for version, edited in enumerate(edits, 1):
                    words = ("redefine", "answer_lines", edited) if alone else ("patch", edited)
                    outcome = self.asked(process, *words, "--flags", " ".join(PLAIN))
                    self.assertEqual((outcome["same_shape"], outcome["old_body"]["rewritten"]), (False if alone else [], 1))
                    answers(version)
                for version in (1, 0):
                    back = self.asked(process, "revert", *(["answer_lines"] if alone else wait))
                    self.assertEqual(back["old_body"]["rewritten"], 1, back)
                    answers(version)
            self.assertIn("there is none", self.attach(process, "revert").stderr)
            self.finish(process)

    def test_variables_of_the_body_before_do_not_begin_anew(self):
        source = (HERE / "attach_lines.c").read_text()
        counting = source.replace("unsigned total", "static unsigned seen = 100;\n  unsigned total").replace("total * 3 + sum;", "total * 3 + sum + ++seen;")
        process = self.start(self.compile(str(HERE / "attach_lines.c"), *PLAIN), "--tier", "baseline")
        total = int(self.tell(process, "a").split()[2])
        checksum = 7 * 31 + ord("a")

        def becomes(factor, more):
            nonlocal total
            total = (total * factor + checksum + more) % 2**32
            self.assertEqual(self.tell(process, "a").split()[1:], [str(checksum), str(total)])

        self.asked(process, "redefine", "answer_lines", self.file("counting.c", counting), "--flags", " ".join(PLAIN))
        for seen in (101, 102, 103):
            becomes(3, seen)
        other = self.file("other.c", source.replace("total * 3 + sum;", "total * 5 + sum;\n    if (sum == 0)\n      total = 8;"))
        self.assertEqual(self.asked(process, "redefine", "answer_lines", other, "--flags", " ".join(PLAIN))["old_body"]["rewritten"], 1)
        becomes(5, 0)
        self.assertEqual(self.asked(process, "revert", "answer_lines")["old_body"]["rewritten"], 0)
        becomes(5, 0) # it ends where it is


if __name__ == "__main__":
    unittest.main()
