#!/usr/bin/env python3
"""Checks C++ programs of several parts: modules with the same inline functions, and shared libraries."""
import json
import pathlib
import subprocess
import unittest

from osrctl_case import CLANG, HERE, OsrctlCase

MODES = [["--tier", "baseline"], [], ["--stress", "every"], ["--tier", "baseline", "--stress", "every"], ["--stress", "all:31"],
         ["--stress", "async:1000"], ["--stress", "churn:500"]]
CXX = "--driver-mode=g++"


class Modules(OsrctlCase):
    def check_modes(self, native, *program):
        expected = self.run_command(native)
        self.assertEqual((expected.returncode, expected.stderr), (0, ""))
        stats = self.folder / "stats.json"
        for mode in MODES:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", *mode, "--stats", str(stats), *program)
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, ""))
                self.assertEqual(json.loads(stats.read_text())["walks"]["failed"], 0)

    def test_two_modules(self):
        """Types, virtual tables, guards and inline variables that both modules define are one, as after a linker."""
        sources = ["modules_left.cpp", "modules_right.cpp"]
        native = self.native(sources[0], CXX, str(HERE / sources[1]))
        for level in ["-O0", "-O1"]:
            modules = [self.compile(source, level) for source in sources]
            self.check_modes(native, *modules)
            self.check_modes(native, *reversed(modules))

    def test_several_modules_in_one_file(self):
        """What all of a program has to see may be one beside the rest of its file."""
        sources = ["modules_left.cpp", "modules_right.cpp"]
        split = ["-flto=thin", "-fsplit-lto-unit", "-fvisibility=hidden", "-fwhole-program-vtables"]
        programs = [self.compile(source, CXX, *split) for source in sources]
        for program in programs:
            looked = self.run_command(pathlib.Path(CLANG).resolve().parent / "llvm-bcanalyzer", program)
            self.assertRegex(looked.stdout, r"\(MODULE_BLOCK\):\s+Num Instances: 2")
        self.check_modes(self.native(sources[0], CXX, str(HERE / sources[1])), *programs)

    def test_shared_library(self):
        """Exceptions go both ways, and its thread-local variables are the program's too."""
        library = self.folder / "libcxx_library.so"
        subprocess.run([CLANG, CXX, "-O1", "-shared", "-fPIC", "-o", library, HERE / "cxx_library.cpp"], check=True)
        native = self.native("cxx_library_user.cpp", CXX, str(library), f"-Wl,-rpath,{self.folder}")
        for level in ["-O0", "-O1"]:
            self.check_modes(native, "--load", str(library), self.compile("cxx_library_user.cpp", level))

    def test_a_thread_local_variable_that_nobody_defines(self):
        module = self.file("missing.ll", """
            @nowhere = external thread_local global i32
            declare ptr @llvm.threadlocal.address.p0(ptr)
            define i32 @main() {
              %address = call ptr @llvm.threadlocal.address.p0(ptr @nowhere)
              %value = load i32, ptr %address
              ret i32 %value
            }
        """)
        self.assert_refused(1, "unresolved symbol", "'nowhere'", "--load", by=["run", module])


if __name__ == "__main__":
    unittest.main()
