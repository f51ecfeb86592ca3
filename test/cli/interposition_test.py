#!/usr/bin/env python3
"""Checks programs whose definitions replace those of shared libraries, and that ask the dynamic linker for them."""
import ctypes
import os
import resource
import subprocess
import unittest

from osrctl_case import CLANG, HERE, OSRCTL, OsrctlCase

MODES = [[], ["--tier", "optimized", "--stress", "every"], ["--tier", "baseline", "--calls", "direct"]]

ALLOCATOR = """
#include <stddef.h>
static char memory[1 << 20];
static size_t used;
%s void *%s(size_t size) { used += size + 16 & ~(size_t)15; return memory + used; }
int main(void) { return 0; }
"""

EACH_OTHER = """
int ask_threshold(void);
int (*in_variable)(void) = ask_threshold;
int level(void) { return 2; }
int main(void) { return in_variable() + level(); }
"""


class Interposition(OsrctlCase):
    def setUp(self):
        super().setUp()
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(self.folder)}

    def make_library(self, name, source, *flags):
        path = self.folder / name
        subprocess.run([CLANG, "-O1", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", path, HERE / source, *flags],
                       check=True)
        return str(path)

    def check(self, plugin, library):
        native = self.native("interposing_program.c", "-rdynamic", "-fno-builtin", library, "-ldl")
        bitcode = self.compile("interposing_program.c", "-fno-builtin")
        expected = self.run_command(native, plugin, env=self.environment)
        self.assertEqual(expected.returncode, 0, expected.stdout)
        for mode in MODES:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", *mode, "--load", library, bitcode, "--", plugin, env=self.environment)
                self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, ""))

    def test_exported(self):
        """Libraries of the program find what osrctl answers for the C library and its like, and nothing of osrctl's own."""
        listed = self.run_command("nm", "--dynamic", "--defined-only", OSRCTL)
        self.assertEqual(listed.returncode, 0, listed.stderr)
        names = {line.split()[-1].split("@")[0] for line in listed.stdout.splitlines()}
        self.assertLess({"malloc", "pthread_create", "execve", "ppoll", "__cxa_atexit", "_Znwm", "_ZdlPv"}, names)
        standard = [ctypes.CDLL(name) for name in ["libc.so.6", "libstdc++.so.6", "libgcc_s.so.1"]]
        of_each_program = {"main", "_start", "data_start", "__data_start", "_IO_stdin_used"}
        own = {name for name in names - of_each_program if not any(hasattr(library, name) for library in standard)}
        self.assertEqual(own, set())

    def test_library_and_plugin(self):
        plugin = self.make_library("plugin.so", "interposed_plugin.c")
        self.check(plugin, self.make_library("libinterposed.so", "interposed_library.c"))

    def test_library_bound_at_once(self):
        """It can be loaded only when the program's symbols are there, and its table of addresses is read-only."""
        plugin = self.make_library("plugin.so", "interposed_plugin.c", "-Wl,-z,now")
        self.check(plugin, self.make_library("libinterposed.so", "interposed_library.c", "-Wl,-z,now", "-Wl,-z,relro"))

    def test_constructors_of_libraries(self):
        """They may call the program, and what they allocate is allocated by it."""
        library = self.make_library("liballocating.so", "allocating_library.cpp", "-lstdc++")
        native = self.native("allocating_program.cpp", "-rdynamic", library, "-lstdc++")
        bitcode = self.compile("allocating_program.cpp")
        expected = self.run_command(native, env=self.environment)
        self.assertRegex(expected.stdout, "had 1, .* foreign 0, left 0")
        for mode in MODES:
            for name in library, "liballocating.so": # as dlopen finds it
                with self.subTest(mode=mode, name=name):
                    ended = self.osrctl("run", *mode, "--load", name, bitcode, env=self.environment)
                    self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, expected.stdout, ""))

    def test_library_and_variables_that_need_each_other(self):
        library = self.make_library("libinterposed.so", "interposed_library.c")
        bitcode = self.compile(self.file("each_other.c", EACH_OTHER))
        self.assert_refused(1, "libinterposed.so", "ask_threshold", "dlopen", by=["run", "--load", library, bitcode])

    def test_no_file_may_grow(self):
        plugin = self.make_library("plugin.so", "interposed_plugin.c")
        ended = self.osrctl("run", self.compile("interposing_program.c"), "--", plugin,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
        self.assertEqual((ended.returncode, ended.stdout), (1, ""), ended.stderr)
        self.assertIn("ulimit -f", ended.stderr)

    def test_allocators_are_refused_by_name(self):
        for name in "malloc", "calloc", "aligned_alloc":
            with self.subTest(name=name):
                bitcode = self.compile(self.file("allocator.c", ALLOCATOR % ("", name)), "-fno-builtin")
                self.assert_refused(1, f"'{name}'", "LD_PRELOAD", by=["run", bitcode])
        bitcode = self.compile(self.file("hidden.c", ALLOCATOR % ("static", "calloc")), "-fno-builtin")
        self.assertEqual(self.osrctl("run", bitcode).returncode, 0)


if __name__ == "__main__":
    unittest.main()
