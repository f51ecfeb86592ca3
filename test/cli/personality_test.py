#!/usr/bin/env python3
"""Checks exceptions whose personality function is another language's, in frames that wait for a transition."""
import json
import os
import subprocess
import unittest

from osrctl_case import CLANG, HERE, OsrctlCase

MODES = [["--tier", tier, "--stress", stress] for tier in ["baseline", "optimized"] for stress in ["every", "all:3"]]


class Personality(OsrctlCase):
    def test_plain_personality(self):
        library = self.folder / "libplain.so"
        subprocess.run([CLANG, "-O1", "-w", "-shared", "-fPIC", "-o", library, HERE / "plain_personality.c"], check=True)
        native = self.folder / "plain.native"
        subprocess.run([CLANG, "-w", "-O1", "-o", native, HERE / "plain_personality.ll", library], check=True)
        expected = self.run_command(str(native), env={**os.environ, "LD_LIBRARY_PATH": str(self.folder)})
        self.assertEqual(expected.returncode, 0)
        self.assertEqual(len(expected.stdout.splitlines()), 2 * 39)
        stats = self.folder / "stats.json"
        landed = {"landed_in_new": 0, "unwound": 0}
        for mode in [[], *MODES]:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", *mode, "--load", str(library), "--stats", str(stats),
                                    str(HERE / "plain_personality.ll"))
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, ""))
                counted = json.loads(stats.read_text())["exceptions"]
                for key in landed:
                    landed[key] += counted[key]
        for key, count in landed.items():
            self.assertGreater(count, 0, key)


if __name__ == "__main__":
    unittest.main()
