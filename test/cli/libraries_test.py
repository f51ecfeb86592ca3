#!/usr/bin/env python3
"""Checks what shared libraries start: threads, and handlers of signals. Both run program code, and frames are replaced."""
import json
import re
import subprocess
import unittest

from osrctl_case import CLANG, HERE, OsrctlCase

MODES = [[], ["--tier", "optimized", "--stress", "every"], ["--tier", "optimized", "--stress", "all:31"],
         ["--tier", "optimized", "--stress", "async:1000"],
         ["--tier", "baseline", "--stress", "async:1000"]]
THREADS = 6  # main and the library's


class Libraries(OsrctlCase):
    def test_pool(self):
        library = self.folder / "libpool.so"
        subprocess.run([CLANG, "-O1", "-shared", "-fPIC", "-o", library, HERE / "pool_library.c"], check=True)
        native = self.native("pool_program.c", str(library), f"-Wl,-rpath,{self.folder}")
        bitcode = self.compile("pool_program.c")
        expected = self.run_command(native)
        self.assertEqual(expected.returncode, 0)
        self.assertTrue(expected.stdout.endswith("notices: 0\n"), expected.stdout)
        stats = self.folder / "stats.json"
        for mode in MODES:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", *mode, "--load", str(library), "--stats", str(stats), bitcode)
                self.assertEqual((ended.returncode, ended.stdout), (0, expected.stdout), ended.stderr)
                counters = json.loads(stats.read_text())
                self.assertGreaterEqual(counters["threads"]["most_at_once"], THREADS)
                for reason in counters["requests"]["refused"]:
                    self.assertIsNone(re.search("cannot be walked|hidden behind|did not stop", reason), reason)
                self.assertEqual(counters["walks"]["failed"], 0)

    def test_handlers(self):
        """A library's handler may interrupt anything, and what it calls may have to be compiled."""
        library = self.folder / "libticks.so"
        subprocess.run([CLANG, "-O1", "-shared", "-fPIC", "-o", library, HERE / "ticks_library.c"], check=True)
        native = self.native("ticks_program.c", str(library), f"-Wl,-rpath,{self.folder}")
        bitcode = self.compile("ticks_program.c")
        expected = self.run_command(native)
        self.assertEqual(expected.returncode, 0)
        for mode in [["--tier", "baseline"], *MODES]:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", *mode, "--load", str(library), bitcode)
                self.assertEqual((ended.returncode, ended.stdout), (0, expected.stdout), ended.stderr)

    def test_constructors_that_call_back(self):
        """The dynamic linker's lock is held: who waits for it may not keep others waiting."""
        plugin = self.folder / "plugin.so"
        subprocess.run([CLANG, "-O1", "-shared", "-fPIC", "-o", plugin, HERE / "loading_plugin.c"], check=True)
        native = self.native("loading_program.c", "-rdynamic")
        bitcode = self.compile("loading_program.c")
        for work in ["dlsym", "divide", "fill"]:
            expected = self.run_command(native, str(plugin), work)
            self.assertEqual((expected.returncode, expected.stdout), (0, "loading: 1 17\ndone: 2\n"))
            for mode in [[], ["--tier", "baseline"], ["--tier", "optimized"]]:
                with self.subTest(work=work, mode=mode):
                    ended = self.osrctl("run", *mode, bitcode, "--", str(plugin), work)
                    self.assertEqual((ended.returncode, ended.stdout), (0, expected.stdout), ended.stderr)


if __name__ == "__main__":
    unittest.main()
