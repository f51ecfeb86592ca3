#!/usr/bin/env python3
"""A server under load is looked at, its frames sent back and forth, and its functions redefined: no request is lost or
answered wrongly, and the loop that never returns goes on in its new body.

OSR_ATTACH_ROUNDS says how often; with OSR_ATTACH_TIMES the longest answer times are printed.
"""
import os
import pathlib
import socket
import threading
import time
import unittest

from attach_case import AttachCase
from osrctl_case import HERE, TIMEOUT

ROUNDS = int(os.environ.get("OSR_ATTACH_ROUNDS", "8"))
PLAIN = ("-Xclang", "-disable-llvm-passes")
FUNCTIONS = ("accept_for_ever", "handle", "work", "take", "put", "answer", "collatz")


def collatz(n):
    steps = 0
    while n > 1:
        n, steps = 3 * n + 1 if n % 2 else n // 2, steps + 1
    return steps


class Load(threading.Thread):
    """Asks without end, over connections of some requests each, and checks each answer."""

    def __init__(self, port, seed):
        super().__init__(daemon=True)
        self.port, self.seed = port, seed
        self.is_over = False
        self.answered = 0
        self.longest = 0
        self.problem = None
        self.offsets = set() # that were seen since somebody emptied it

    def run(self):
        try:
            while not self.is_over:
                self.connection()
        except Exception as problem:
            self.problem = repr(problem)

    def connection(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            lines = connection.makefile("r")
            for _ in range(20):
                self.seed = (self.seed * 1103515245 + 12345) % 2**31
                number = self.seed % 10_000 + 1
                begin = time.perf_counter()
                connection.sendall(f"{number}\n".encode())
                words = [int(word) for word in lines.readline().split()]
                self.longest = max(self.longest, time.perf_counter() - begin)
                if words[:2] != [number, collatz(number)] or words[2] - number * 7 not in (1, 2, 3):
                    raise AssertionError(f"{number} was answered by {words}")
                self.offsets.add(words[2] - number * 7)
                self.answered += 1


class Server(AttachCase):
    def setUp(self):
        super().setUp()
        self.process = self.start(self.compile("attach_server.c", *PLAIN))
        self.port = int(self.first_line)
        self.load = [Load(self.port, seed) for seed in range(1, 5)]
        for client in self.load:
            client.start()

    def tearDown(self):
        before = [client.answered for client in self.load]
        self.until(lambda: all(client.answered > seen for client, seen in zip(self.load, before)))
        for client in self.load:
            client.is_over = True
            client.join(TIMEOUT)
            self.assertIsNone(client.problem)
        if "OSR_ATTACH_TIMES" in os.environ:
            print(f"{self.id()}: {sum(client.answered for client in self.load)} answers, "
                  f"the longest after {max(client.longest for client in self.load) * 1000:.1f} ms")
        super().tearDown()

    def until(self, is_so):
        while not is_so():
            for client in self.load:
                self.assertIsNone(client.problem)
            self.assertIsNone(self.process.poll())
            time.sleep(0.001)

    def accepted(self):
        """As the server counts them; this one is counted too."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.sendall(b"1\n")
            return int(connection.makefile("r").readline().split()[3])

    def test_0_idle(self):
        before = sum(client.answered for client in self.load)
        self.until(lambda: sum(client.answered for client in self.load) > before + 200 * ROUNDS)

    def test_looking(self):
        client = self.client(self.process)
        seen = set()
        self.until(lambda: len(client.ask("threads")["result"]["threads"]) == 8)  # a new one is listed when it runs
        for _ in range(ROUNDS * 5):
            threads = client.ask("stack")["result"]["threads"]
            self.assertEqual(len(threads), 8)
            for thread in threads:
                self.assertNotIn("incomplete", thread)
                seen |= {frame.get("function") for frame in thread["frames"]}
        self.assertLessEqual({"main", "accept_for_ever", "work"}, seen)

    def test_back_and_forth(self):
        client = self.client(self.process)
        rewritten, begun = 0, time.monotonic()
        for _ in range(ROUNDS):
            for tier in ("baseline", "optimized"):
                for function in FUNCTIONS:
                    rewritten += client.ask("replace", function=function, to=tier)["result"]["rewritten"]
        self.assertGreater(rewritten, ROUNDS)
        compiles = client.ask("stats")["result"]["compile"].values()
        again = sum(kind["from_cache"] for kind in compiles)
        self.assertGreater(again, ROUNDS) # what went and comes back is not made again
        if "OSR_ATTACH_TIMES" in os.environ:
            print(f"{ROUNDS} rounds in {time.monotonic() - begun:.1f} s, {rewritten} activations, "
                  f"{sum(kind['count'] for kind in compiles)} compiles, {again} of them from the cache")

    def test_one_thread(self):
        client = self.client(self.process)
        threads = [thread["thread"] for thread in client.ask("threads")["result"]["threads"]]
        for tier in ("baseline", "optimized") * 2:
            for thread in threads[:3]:
                self.assertLessEqual(client.ask("replace", function="work", to=tier, thread=thread)["result"]["rewritten"], 1)
        self.assertIn("no thread 99999999999 ", client.ask("replace", function="work", to="baseline", thread=99999999999)["error"]["message"])
        self.assertIn("error", client.ask("stack", thread=threads[0] + 2**32))
        self.assertIn("no thread 1 ", client.ask("replace", function="work", to="baseline", thread=1)["error"]["message"])
        self.assertIn("error", client.ask("replace", function="work", to="baseline", thread=threads[0], frames="finish"))

    def test_a_handler_gets_new_bodies(self):
        source = str(HERE / "attach_server.c")
        for round in range(max(ROUNDS // 2, 2)):
            for offset in (2, 3):
                outcome = self.asked(self.process, "redefine", "answer", source, "--flags", " ".join([*PLAIN, f"-DOFFSET={offset}"]))
                self.assertTrue(outcome["same_shape"], outcome)
                self.only(offset)
            self.asked(self.process, "revert", "answer")
            self.only(2)
            self.asked(self.process, "revert", "answer")
            self.only(1)
        self.assertIn("the body that it began with", self.attach(self.process, "revert", "answer").stderr)

    def only(self, offset):
        """Whoever asks now is answered by the body that adds this."""
        for client in self.load:
            with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
                connection.sendall(b"5\n")
                self.assertEqual(int(connection.makefile("r").readline().split()[2]), 35 + offset)

    def test_a_loop_that_never_returns_gets_new_bodies(self):
        source = str(HERE / "attach_server.c")
        for _ in range(max(ROUNDS // 2, 2)):
            outcome = self.asked(self.process, "redefine", "accept_for_ever", source, "--flags", " ".join([*PLAIN, "-DSTEP=1000000"]))
            self.assertTrue(outcome["same_shape"], outcome)
            self.accepted() # the loop waits in its old call of accept
            before = self.accepted()
            self.assertGreaterEqual(self.accepted() - before, 1_000_000)
            self.asked(self.process, "revert", "accept_for_ever")
            self.accepted()
            before = self.accepted()
            self.assertLess(self.accepted() - before, 1_000_000)

    def test_a_patch_of_the_loop_and_a_handler(self):
        old, new = [self.file(f"{name}.bc", pathlib.Path(self.compile("attach_server.c", *PLAIN, *flags)).read_bytes())
                    for name, flags in (("old", ()), ("new", ("-DOFFSET=2", "-DSTEP=1000000")))]
        for _ in range(ROUNDS):
            outcome = self.asked(self.process, "patch", old, new)
            self.assertEqual(sorted(outcome["functions"]), ["accept_for_ever", "answer"])
            self.assertEqual(outcome["same_shape"], outcome["functions"])
            self.only(2)
            before = self.accepted()
            self.assertGreaterEqual(self.accepted() - before, 1_000_000)
            self.asked(self.process, "revert")
            self.only(1)
            before = self.accepted()
            self.assertLess(self.accepted() - before, 1_000_000)


if __name__ == "__main__":
    unittest.main()
