#!/usr/bin/env python3
"""Checks what happens at the machine's limits: the program dies as it would natively, or the error says what is missing."""
import ctypes
import errno
import resource
import signal
import struct
import unittest

from osrctl_case import FIB, OsrctlCase

MODES = [["--tier", "optimized", "--stress", "every"],
         ["--tier", "optimized", "--stress", "every:3", "--stubs", "interpreted"],
         ["--tier", "optimized", "--stress", "async:500"], ["--tier", "auto"]]
SMALL_STACK = 4 << 20


def limited(which, amount):
    return lambda: resource.setrlimit(which, (amount, amount))


def forbid_memfd():
    """From here on memfd_create fails with EMFILE (a seccomp filter; x86-64)."""
    memfd_create, pr_set_no_new_privs, pr_set_seccomp, filter_mode = 319, 38, 22, 2
    fail, allow = 0x00050000 | errno.EMFILE, 0x7fff0000
    load, compare, give = 0x20, 0x15, 0x06
    code = b"".join(struct.pack("HBBI", *step) for step in
                    [(load, 0, 0, 0), (compare, 0, 1, memfd_create), (give, 0, 0, fail), (give, 0, 0, allow)])
    instructions = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(instructions)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0) or libc.prctl(pr_set_seccomp, filter_mode, program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


class Limits(OsrctlCase):
    def test_stack_overflow(self):
        """In any frame, also a replaced one, and in a stub: death by SIGSEGV."""
        small = limited(resource.RLIMIT_STACK, SMALL_STACK)
        native, bitcode = self.native("overflow.c"), self.compile("overflow.c")
        for what in [["values"], ["objects", "thread"]]:
            expected = self.run_command(native, *what, preexec_fn=small)
            self.assertEqual((expected.returncode, expected.stdout), (-signal.SIGSEGV, "recursing\n"))
            for mode in MODES:
                with self.subTest(what=what, mode=mode):
                    ended = self.osrctl("run", *mode, bitcode, "--", *what, preexec_fn=small)
                    self.assertEqual((ended.returncode, ended.stdout, ended.stderr),
                                     (-signal.SIGSEGV, "recursing\n", ""))

    def refused_under(self, which, amount, *words):
        ended = self.osrctl("run", self.file("fib.ll", FIB), preexec_fn=limited(which, amount))
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        self.assertTrue(ended.stderr.startswith("osrctl: "), ended.stderr)
        for word in words:
            self.assertIn(word, ended.stderr)

    def test_no_address_space_for_code(self):
        self.refused_under(resource.RLIMIT_AS, 600 << 20, "cannot reserve", "generated code", "ulimit -v")

    def test_no_file_for_code(self):
        self.refused_under(resource.RLIMIT_FSIZE, 1 << 20, "cannot reserve", "generated code", "ulimit -f")

    def test_no_descriptor_for_code(self):
        ended = self.osrctl("run", self.file("fib.ll", FIB), preexec_fn=forbid_memfd)
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        self.assertIn("memfd_create failed: Too many open files", ended.stderr)

    def test_no_address_space_for_an_object_stack(self):
        """Enough for code and table, not for the main thread's objects."""
        refusals = set()
        for mebibytes in range(1000, 2600, 400):
            ended = self.osrctl("run", self.file("fib.ll", FIB),
                                preexec_fn=limited(resource.RLIMIT_AS, mebibytes << 20))
            self.assertIn((ended.returncode, ended.stdout), [(1, ""), (3, "55\n")], ended.stderr)
            if ended.returncode == 1:
                self.assertIn("cannot reserve", ended.stderr)
                refusals.add("object stack" if "object stack" in ended.stderr else "generated code")
        self.assertEqual(refusals, {"object stack", "generated code"})


if __name__ == "__main__":
    unittest.main()
