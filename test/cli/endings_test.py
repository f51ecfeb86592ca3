#!/usr/bin/env python3
"""Checks that programs end as they do natively: status, output, death by signal, closed files; and the statistics."""
import json
import signal
import subprocess
import threading
import unittest

from osrctl_case import FIB, OSRCTL, OsrctlCase

STRESSES = ["none", "every", "all:1"]
BY_ITSELF = ["return", "exit", "_exit", "_Exit", "quick_exit", "abort"] # the program says that it ends
BY_SIGNAL = ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGILL"]


class Endings(OsrctlCase):
    def test_as_natively(self):
        native, bitcode = self.native("endings.c"), self.compile("endings.c")
        stats = self.folder / "stats.json"
        for how in BY_ITSELF + BY_SIGNAL:
            expected = self.run_command(native, how)
            for stress in STRESSES:
                stats.unlink(missing_ok=True)
                ended = self.osrctl("run", "--tier", "optimized", "--stress", stress, "--stats", str(stats), bitcode, "--", how)
                with self.subTest(how=how, stress=stress):
                    # The parent sees the same death by signal, so that a shell says 128+n.
                    self.assertEqual((ended.returncode, ended.stdout), (expected.returncode, expected.stdout))
                    if how in BY_ITSELF:
                        rewritten = json.loads(stats.read_text())["frames"]["rewritten"]
                        self.assertEqual(rewritten >= 10, stress != "none", rewritten)
                    else:
                        self.assertEqual(ended.returncode, -signal.Signals[how])

    def test_status_that_a_shell_shows(self):
        bitcode = self.compile("endings.c")
        for how, number in [("SIGTERM", 15), ("SIGSEGV", 11), ("abort", 6)]:
            ended = self.run_command("sh", "-c", '"$1" run "$2" -- "$3"; echo status $?', "sh", OSRCTL, bitcode, how)
            self.assertIn(f"status {128 + number}\n", ended.stdout)

    def test_own_exit(self):
        native, bitcode = self.native("own_exit.c"), self.compile("own_exit.c")
        for arguments in [[], ["exit"]]:
            expected = self.run_command(native, *arguments)
            for stress in STRESSES:
                ended = self.osrctl("run", "--tier", "optimized", "--stress", stress, bitcode, "--", *arguments)
                self.assertEqual((ended.returncode, ended.stdout), (expected.returncode, expected.stdout))


class ClosedFiles(OsrctlCase):
    def first_line_only(self, *command):
        """The reader of the program's output goes away after one line."""
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        watchdog = threading.Timer(60, process.kill) # a program that hangs says so by its status
        watchdog.start()
        try:
            self.assertEqual(process.stdout.readline(), b"a line\n")
            process.stdout.close()
            return process.wait()
        finally:
            watchdog.cancel()

    def test_closed_pipe(self):
        native, bitcode = self.native("endless.c"), self.compile("endless.c")
        for arguments, status in [([], -signal.SIGPIPE), (["ignore"], 11)]:
            self.assertEqual(self.first_line_only(native, *arguments), status)
            for stress in STRESSES:
                command = [OSRCTL, "run", "--tier", "optimized", "--stress", stress, bitcode, "--", *arguments]
                self.assertEqual(self.first_line_only(*command), status, command)

    def test_closed_from_the_start(self):
        fib = self.file("fib.ll", FIB)
        for closed, output in [("<&-", "55\n"), ("2>&-", "55\n"), (">&-", ""), ("<&- >&- 2>&-", "")]:
            ended = self.run_command("sh", "-c", f'"$1" run --tier optimized --stress every "$2" {closed}', "sh", OSRCTL, fib)
            self.assertEqual((ended.returncode, ended.stdout), (3, output), closed)


class Statistics(OsrctlCase):
    def counters(self, *options, program, folder=None):
        ended = self.osrctl("run", "--stats", "stats.json", *options, program, cwd=folder or self.folder)
        self.assertLess(ended.returncode, 128, ended.stderr)
        return json.loads((self.folder / "stats.json").read_text())

    def test_promised_keys(self):
        counters = self.counters("--tier", "optimized", "--stress", "all:1", program=self.file("fib.ll", FIB))
        promised = {"sites": ["total", "certified"], "frames": ["rewritten", "walked"],
                    "transitions": ["in_place", "continuation", "split"], "stack": ["max_depth"]}
        for group, names in promised.items():
            for name in names:
                self.assertIsInstance(counters[group][name], int, f"{group}.{name}")
        for group, name in [("sites", "refused"), ("functions", "pinned"), ("functions", "not_optimized"),
                            ("transitions", "refused")]:
            self.assertIsInstance(counters[group][name], dict, f"{group}.{name}")
        self.assertEqual(set(counters["compile"]), {"baseline", "optimized", "continuation"})
        for tier, costs in counters["compile"].items():
            for name in ["count", "code_bytes", "map_bytes_raw", "map_bytes_compact"]:
                self.assertIsInstance(costs[name], int, f"compile.{tier}.{name}")
            self.assertGreater(costs["count"], 0)
            self.assertGreater(costs["code_bytes"], 0)
            self.assertGreater(costs["seconds"], 0)

    def test_values(self):
        """fib(10) makes 176 calls of itself besides the one in main."""
        fib = self.file("fib.ll", FIB)
        counters = self.counters("--tier", "baseline", program=fib)
        self.assertEqual(counters["sites"]["total"], 4)
        self.assertEqual((counters["sites"]["certified"], counters["sites"]["refused"]), (4, {}))
        self.assertEqual(counters["frames"], {"flipped_at_polls": 0, "rewritten": 0, "walked": 0})
        self.assertEqual(counters["transitions"], {"in_place": 0, "continuation": 0, "split": 0, "refused": {}})
        counters = self.counters("--tier", "baseline", "--stress", "at:fib#0", program=fib)
        moved = counters["transitions"]
        self.assertEqual(counters["frames"]["rewritten"], moved["in_place"] + moved["continuation"])
        self.assertGreater(moved["continuation"], 0)
        counters = self.counters("--tier", "optimized", "--stress", "all:1", program=fib)
        self.assertGreater(counters["frames"]["walked"], counters["frames"]["rewritten"])
        self.assertEqual(counters["stack"]["max_depth"], 10) # main, fib(10), ... fib(2): fib(1) calls nothing

    def test_reasons(self):
        pinned = self.counters("--tier", "optimized", "--stress", "every", program=self.compile("pinned.c"))["functions"]["pinned"]
        self.assertEqual(pinned, {"calls a function that can return twice, like setjmp": 1})

    def test_place(self):
        """The file's name means what it meant when the program started."""
        self.counters(program=self.compile("change_folder.c"))

    def test_pipe(self):
        ended = self.run_command("sh", "-c", '"$1" run --stats /dev/stderr "$2"', "sh", OSRCTL, self.file("fib.ll", FIB))
        self.assertEqual((ended.returncode, ended.stdout), (3, "55\n"))
        self.assertEqual(json.loads(ended.stderr)["sites"]["total"], 4)


if __name__ == "__main__":
    unittest.main()
