#!/usr/bin/env python3
"""Checks programs for libc++: osrctl, which is linked against libstdc++, starts itself again with libc++ first."""
import os
import subprocess
import unittest

from osrctl_case import FIB, HERE, OSRCTL, OsrctlCase

FAILURE = 1
OF_LIBCXX = "\n@_ZNSt3__14coutE = external global i8\n"
PRELOADED = "libc++abi.so.1:libc++.so.1"


class ProgramsForLibcxx(OsrctlCase):
    expected = None # what the native program prints, once there is one

    def setUp(self):
        super().setUp()
        source = HERE / "libcxx_program.cpp"
        flags = ["-x", "c++", "-std=c++20", "-stdlib=libc++"]
        self.bitcode = self.compile_once(source, *flags)
        if not self.expected:
            native = self.native(source, *flags, "-lc++", "-lc++abi")
            ProgramsForLibcxx.expected = self.run_command(native).stdout
        self.assertIn("libc++", self.expected)

    def check_run(self, environment, *arguments):
        ended = self.osrctl("run", *arguments, self.bitcode, "--", "word", "two words", "",
                            env={**os.environ, **environment})
        self.assertEqual((ended.returncode, ended.stderr), (7, ""))
        return ended.stdout

    def test_run(self):
        output = self.check_run({}, "--stress", "every")
        self.assertEqual(output, self.expected + "3 arguments: [word] [two words] []\nchild: LD_PRELOAD=\n")

    def test_own_preload_is_kept(self):
        """What is preloaded for the program stays so, also for its children."""
        self.assertTrue(self.check_run({"LD_PRELOAD": "libm.so.6"}).endswith("child: LD_PRELOAD=libm.so.6\n"))
        self.assertTrue(self.check_run({"LD_PRELOAD": PRELOADED}).endswith(f"child: LD_PRELOAD={PRELOADED}\n"))

    def test_exports_no_class_that_libcxx_has_too(self):
        """Both libraries have these in std itself: a program for libc++ would find libstdc++'s in osrctl first. std::get of a variant
        brings one along, std::get_if none."""
        exported = subprocess.run(["nm", "-D", "--defined-only", OSRCTL], capture_output=True, text=True, check=True).stdout
        self.assertIn("_Znwm", exported)
        for name in ["bad_variant_access", "bad_optional_access", "bad_any_cast"]:
            self.assertNotIn("_ZTVSt%d%s" % (len(name), name), exported)

    def test_other_verbs(self):
        ended = self.osrctl("code", self.bitcode)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        ended = self.osrctl("bisect", "--stress", "every", self.bitcode)
        self.assertIn("no replacement changes the output", ended.stdout, ended.stderr)

    def test_cannot_be_read_twice(self):
        with open(self.bitcode, "rb") as bitcode:
            ended = self.run_command("sh", "-c", f"cat | {os.environ['OSRCTL']} run /dev/stdin", stdin=bitcode)
        self.assertEqual(ended.returncode, FAILURE)
        self.assertIn("save it as a file", ended.stderr)

    def test_library_that_cannot_be_loaded(self):
        self.file("libc++.so.1", "no library")
        ended = self.osrctl("run", self.bitcode, env={**os.environ, "LD_LIBRARY_PATH": str(self.folder)})
        self.assertEqual((ended.returncode, ended.stdout), (FAILURE, ""))
        for word in ["osrctl: ", "libc++.so.1", "install it", "-stdlib=libstdc++"]:
            self.assertIn(word, ended.stderr)

    def test_restart_that_does_not_help(self):
        """Where LD_PRELOAD is not heeded, once is enough: the runtime refuses the program, and says what is needed."""
        ended = self.osrctl("run", self.bitcode, env={**os.environ, "OSRCTL_RESTARTED_FOR_LIBCXX": "1"})
        self.assertEqual((ended.returncode, ended.stdout), (FAILURE, ""))
        for word in ["osrctl: ", "NSt3__1", "LD_PRELOAD=libc++abi.so.1:libc++.so.1", "-stdlib=libstdc++"]:
            self.assertIn(word, ended.stderr)

    def test_other_unwinder(self):
        """LLVM's does not ask the runtime where compiled code is: exceptions would end the process."""
        ended = self.osrctl("run", self.bitcode, env={**os.environ, "LD_PRELOAD": "libunwind.so.1"})
        self.assertEqual((ended.returncode, ended.stdout), (FAILURE, ""))
        for word in ["osrctl: ", "libunwind.so.1", "libgcc_s"]:
            self.assertIn(word, ended.stderr)

    def test_preload_behind_libstdcxx(self):
        """Loaded is not enough: where libstdc++ comes first, the program would get some of each."""
        program = self.file("fib.ll", FIB + OF_LIBCXX)
        ended = self.osrctl("run", program, env={**os.environ, "LD_PRELOAD": f"libstdc++.so.6:{PRELOADED}"})
        self.assertEqual((ended.returncode, ended.stdout), (3, "55\n"), ended.stderr)


if __name__ == "__main__":
    unittest.main()
