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
           f"int main(void) {{\n  run_all(all, {len(pairs)});\n  return 0;\n}}\n"


class Sites(AttachCase):
    maxDiff = None

    def patched(self, flags, *options):
        process = self.start(self.compile(self.file("old.c", program(PAIRS, 0)), *flags), *options)
        old = str(self.folder / "old.bc")
        new = self.compile(self.file("new.c", program(PAIRS, 1)), *flags)
        return process, self.asked(process, "patch", old, new)

    def check(self, flags, *options):
        process, outcome = self.patched(flags, *options)
        refused = outcome["old_body"]["refused"]
        for pair in PAIRS:
            reasons = [reason for reason in refused if reason.startswith((pair.name + ":", pair.name + ","))]
            if pair.refused:
                self.assertTrue(any(pair.refused in reason for reason in reasons), (pair.name, reasons))
            else:
                self.assertEqual(reasons, [], pair.name)
        stays = sum(1 for pair in PAIRS if pair.refused)
        self.assertEqual(sum(refused.values()), stays)
        self.assertEqual(outcome["old_body"]["rewritten"], len(PAIRS) - stays)
        status, output = self.finish(process)
        self.assertEqual(status, 0)
        self.assertEqual(output.splitlines(), [f"{pair.name}: {pair.noted}" for pair in PAIRS])

    def test_baseline(self):
        self.check(PLAIN, "--tier", "baseline")

    def test_optimized(self):
        self.check(PLAIN, "--tier", "optimized")

    def test_unoptimized_bitcode(self):
        self.check(UNOPTIMIZED)


if __name__ == "__main__":
    unittest.main()
