#!/usr/bin/env python3
"""Checks that an activation whose function takes longer to compile than it stays in any of its loops gets to optimised code.

Its continuation is late each time: for the loop that it was made for is over. So the thread has to wait for one.
"""
import json
import unittest

from osrctl_case import OsrctlCase

PHASES = 150


def phase(number):
    """One of many loops that call nothing, none like the other."""
    return f"""
  for (int round = 0; round < rounds; round++)
    for (int i = 0; i < 4096; i++) {{
      unsigned mixed = table[i] * {2 * number + 3}u + sum;
      if (mixed & {1 << number % 13})
        other[i] ^= mixed >> {number % 17 + 1};
      else
        table[i] += other[(i * {2 * number + 1}) & 4095];
      sum += other[i];
    }}
  printf("%u\\n", sum);
"""


PROGRAM = """
#include <stdio.h>
#include <stdlib.h>
static unsigned table[4096], other[4096];
int main(int argc, char **argv) {
  int rounds = atoi(argv[1]);
  unsigned sum = 1;
  for (int i = 0; i < 4096; i++)
    table[i] = i * 2654435761u;
""" + "".join(map(phase, range(PHASES))) + "}\n"


class PhasesTest(OsrctlCase):
    def test_an_activation_that_is_never_where_its_continuation_begins_is_moved(self):
        source, stats = self.file("phases.c", PROGRAM), self.folder / "stats.json"
        expected = self.run_command(self.native(source), "400")
        done = self.osrctl("run", "--stats", str(stats), self.compile(source), "--", "400")
        self.assertEqual((done.returncode, done.stdout), (expected.returncode, expected.stdout), done.stderr)
        counted = json.loads(stats.read_text())
        self.assertGreaterEqual(counted["tier_up"]["moved"], 1, counted["tier_up"])
        self.assertGreaterEqual(counted["transitions"]["continuation"], 1, counted["transitions"])


if __name__ == "__main__":
    unittest.main()
