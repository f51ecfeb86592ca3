#!/usr/bin/env python3
"""Checks what osrctl says of itself and of its work: stderr is the program's, seconds are seconds, requests meet frames."""
import json
import re
import time
import unittest

from osrctl_case import OsrctlCase

# LLVM would report that it cannot do what these loops ask for.
WISHES = """
#include <stdio.h>
static float values[1000];
static int chain[1000];
__attribute__((noinline)) int lowest(const float *p, int n, float limit) {
  int at = -1;
#pragma clang loop vectorize(enable)
  for (int i = 0; i < n; i++)
    if (p[i] < limit) {
      limit = p[i];
      at = i;
    }
  return at;
}
__attribute__((noinline)) int follow(int at) {
  int steps = 0;
#pragma clang loop unroll(full) distribute(enable)
  while (chain[at] != 0) {
    at = chain[at];
    steps++;
  }
  return steps;
}
int main(void) {
  for (int i = 0; i < 1000; i++) {
    values[i] = (float)((i * 7919) % 1009);
    chain[i] = (i * 31 + 7) % 1000;
  }
  chain[500] = 0;
  int steps = follow(3);
  printf("%d %d\\n", lowest(values, 1000, 1e9f), steps);
  fprintf(stderr, "the program's\\n");
  return 0;
}
"""

HOT = """
#include <stdio.h>
__attribute__((noinline)) long step(long x) { return x * 3 + 1; }
__attribute__((noinline)) long inner(long x, int n) {
  for (int i = 0; i < n; i++)
    x = step(x) & 0xffff;
  return x;
}
int main(void) {
  long x = 1;
  for (int i = 0; i < 30000; i++)
    x = inner(x, 1000);
  printf("%ld\\n", x);
  return 0;
}
"""

# Most functions are never on a stack when a request comes: at random it would meet one of these for each that works.
IDLE = "".join(f"""
__attribute__((noinline)) long idle{i}(long x) {{ printf("%ld\\n", x + {i}); return x * {i + 2}; }}""" for i in range(300))
CALLS = "".join(f"x += idle{i}(x);" for i in range(300))
LARGE = f"""
#include <stdio.h>
{IDLE}
__attribute__((noinline)) long work(long n) {{ return n < 2 ? n : work(n - 1) + work(n - 2); }}
__attribute__((noinline)) long idle(long x) {{ {CALLS} return x; }}
int main(int argc, char **argv) {{
  long sum = 0;
  for (int i = 0; i < 120; i++)
    sum += work(26 + i % 5 + (sum & 1)) + (argc > 5 ? idle(i) : 0);
  printf("%ld\\n", sum);
  return 0;
}}
"""


class Reports(OsrctlCase):
    def statistics(self, *arguments):
        stats = self.folder / "stats.json"
        begun = time.monotonic()
        ended = self.osrctl("run", "--stats", str(stats), *arguments)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        return json.loads(stats.read_text()), time.monotonic() - begun

    def test_version(self):
        ended = self.osrctl("--version")
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertRegex(ended.stdout, re.compile(r"^osrctl \d+\.\d+\.\d+ \(LLVM \d+\.\d+\.\d+\)$"))

    def test_stderr_is_the_programs(self):
        bitcode = self.compile(self.file("wishes.c", WISHES))
        expected = self.run_command(self.native(self.file("wishes.c", WISHES)))
        for mode in [["optimized"], ["plain"], ["optimized", "--stress", "every"], ["auto", "--compile-threads", "0"]]:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", "--tier", *mode, bitcode)
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, expected.stderr))

    def test_seconds_are_seconds(self):
        bitcode = self.compile(self.file("hot.c", HOT))
        for threads in "0", "1":
            with self.subTest(threads=threads):
                counted, taken = self.statistics("--compile-threads", threads, bitcode)
                compiled = counted["compile"]
                self.assertGreater(compiled["optimized"]["seconds"], 0)
                self.assertLess(sum(kind["seconds"] for kind in compiled.values()), 2 * taken)

    def test_requests_meet_activations(self):
        bitcode = self.compile(self.file("large.c", LARGE))
        for stress in "async:200", "churn:200":
            with self.subTest(stress=stress):
                counted, _ = self.statistics("--tier", "baseline", "--stress", stress, bitcode)
                requests = counted["requests"]
                self.assertGreater(requests["count"], 0)
                self.assertGreater(requests["met_activations"] * 12, requests["count"])


if __name__ == "__main__":
    unittest.main()
