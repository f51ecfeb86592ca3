#!/usr/bin/env python3
"""Checks that a run leaves what LLVM has made for the next one, and that a file which cannot be used costs nothing but time."""
import json
import os
import pathlib
import unittest

from osrctl_case import FIB, HERE, OsrctlCase

MODES = [["--tier", "baseline"], ["--tier", "optimized"], ["--tier", "optimized", "--stress", "every"],
         ["--tier", "auto", "--compile-threads", "0", "--tier-policy", "counters", "--tier-threshold", "20"],
         ["--tier", "auto"]]


class Cache(OsrctlCase):
    def setUp(self):
        super().setUp()
        self.program = self.file("fib.ll", FIB)
        self.cache = self.folder / "fib.cache"

    def run_with_cache(self, *arguments, program=None):
        """What it compiled, what of that it found, and what it said."""
        stats = self.folder / "stats.json"
        ended = self.osrctl("run", *arguments, "--compile-cache", str(self.cache), "--stats", str(stats), program or self.program)
        self.assertEqual((ended.returncode, ended.stdout), (3, "55\n"))
        kinds = json.loads(stats.read_text())["compile"].values()
        return sum(kind["count"] for kind in kinds), sum(kind["from_cache"] for kind in kinds), ended.stderr

    def test_the_second_run_compiles_nothing(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                self.cache.unlink(missing_ok=True)
                made, found, said = self.run_with_cache(*mode)
                self.assertEqual((found, said), (0, ""))
                self.assertGreaterEqual(made, 2)
                written = self.cache.stat().st_mtime_ns
                again, found, said = self.run_with_cache(*mode)
                self.assertEqual((again, found, said), (made, made, ""))
                self.assertEqual(self.cache.stat().st_mtime_ns, written) # nothing was new
        self.assertEqual(sorted(os.listdir(self.folder)), ["fib.cache", "fib.ll", "stats.json"])

    def test_each_mode_adds_its_own(self):
        sizes = []
        for mode in MODES:
            self.run_with_cache(*mode)
            sizes.append(self.cache.stat().st_size)
        self.assertEqual(sizes, sorted(sizes))
        for mode in MODES:
            made, found, said = self.run_with_cache(*mode)
            self.assertEqual((found, said), (made, ""), mode)

    def test_a_changed_program_is_compiled(self):
        self.run_with_cache("--tier", "optimized")
        changed = self.file("fib.ll", FIB.replace("add i32 %a, %b", "add nsw i32 %a, %b"))
        made, found, said = self.run_with_cache("--tier", "optimized", program=changed)
        self.assertLess(found, made)

    def test_files_that_cannot_be_used(self):
        made, _, _ = self.run_with_cache("--tier", "optimized")
        whole = self.cache.read_bytes()
        self.cache.write_bytes(whole[:-1])
        again, found, said = self.run_with_cache("--tier", "optimized")
        self.assertEqual((again, found), (made, 0))
        self.assertRegex(said, r"^osrctl: compile cache: '[^']*fib\.cache': it is damaged at byte [^\n]*\n$")
        self.assertEqual(self.run_with_cache("--tier", "optimized"), (made, made, "")) # there is a good one now
        self.cache.write_bytes(b"") # as mktemp makes it
        self.assertEqual(self.run_with_cache("--tier", "optimized"), (made, 0, ""))
        self.assertEqual(self.run_with_cache("--tier", "optimized"), (made, made, ""))
        for content in [b"something else", pathlib.Path(self.program).read_bytes()]:
            self.cache.write_bytes(content)
            again, found, said = self.run_with_cache("--tier", "optimized")
            self.assertEqual((again, found), (made, 0))
            self.assertRegex(said, r"^osrctl: [^\n]*it is no compile cache\nosrctl: [^\n]*is no compile cache, and stays as it is\n$")
            self.assertEqual(self.cache.read_bytes(), content)
        self.cache.write_bytes(whole)
        self.cache.chmod(0o666)
        _, found, said = self.run_with_cache("--tier", "optimized")
        self.assertEqual(found, 0)
        self.assertIn("others may write", said)

    def test_a_folder_that_cannot_be_written(self):
        self.cache = self.folder / "none" / "fib.cache"
        _, found, said = self.run_with_cache("--tier", "optimized")
        self.assertEqual(found, 0)
        self.assertRegex(said, "^osrctl: compile cache: cannot write '[^']*': [^\n]*\n$")

    def test_it_is_written_where_the_command_line_said(self):
        ended = self.osrctl("run", "--compile-cache", "here.cache", self.compile(HERE / "change_folder.c"), cwd=self.folder)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertTrue((self.folder / "here.cache").exists())


if __name__ == "__main__":
    unittest.main()
