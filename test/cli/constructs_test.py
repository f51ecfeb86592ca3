#!/usr/bin/env python3
"""Checks constructs of IR and flags that front ends seldom use: each program has to end as its native build does."""
import subprocess
import sys
import unittest

from construct_cases import (COLD, COLD_POINTERS, COUNTED, ERROR_REGISTER, FLAGGED, HASHED,
                             OVER_ALIGNED, OVER_ALIGNED_CONVENTION, RAISING, SHADOW_STACK, SHADOW_STACK_THROWN,
                             STACK_PROTECTOR, STACK_PROTECTOR_PINNED, WIDE_RESULTS, WIDE_RESULTS_IN_TURN)
from osrctl_case import CLANG, HERE, OsrctlCase
from pointer_cases import CASTS_OF_VECTORS, NARROW_POINTERS, TRAMPOLINES

sys.path.insert(0, str(HERE.parent / "support"))
from front_end import can_run

MODES = [["--tier", "optimized"], ["--tier", "optimized", "--stress", "every"], ["--tier", "baseline", "--stress", "random:1"]]


class Constructs(OsrctlCase):
    def check(self, source, *flags):
        native = self.folder / "program.native"
        subprocess.run([CLANG, "-w", "-O1", *flags, source, "-o", native, "-lstdc++"], check=True)
        program = source
        if source.endswith(".c"):
            program = self.folder / "program.bc"
            subprocess.run([CLANG, "-w", "-O1", *flags, "-emit-llvm", "-c", source, "-o", program], check=True)
        expected = self.run_command(str(native))
        for mode in MODES:
            with self.subTest(mode=mode):
                ended = self.osrctl("run", *mode, str(program))
                self.assertEqual((ended.returncode, ended.stdout), (expected.returncode, expected.stdout), ended.stderr)
        return expected.returncode

    def test_shadow_stack(self):
        self.assertEqual(self.check(self.file("program.ll", SHADOW_STACK)), 4664 % 251)
        self.assertEqual(self.check(self.file("thrown.ll", SHADOW_STACK_THROWN)), 7)

    def test_stack_protector_that_has_run(self):
        self.assertEqual(self.check(self.file("program.ll", STACK_PROTECTOR)), 42)
        self.assertEqual(self.check(self.file("pinned.ll", STACK_PROTECTOR_PINNED)), 44)

    def test_over_aligned_objects_of_pinned_functions(self):
        self.assertEqual(self.check(self.file("program.ll", OVER_ALIGNED)), 37)
        self.assertEqual(self.check(self.file("convention.ll", OVER_ALIGNED_CONVENTION)), 31)

    @unittest.skipUnless(can_run(["-mavx2"]), "this machine lacks AVX2")
    def test_results_in_memory(self):
        self.assertEqual(self.check(self.file("program.ll", WIDE_RESULTS)), 63 * 3 + 20)
        self.assertEqual(self.check(self.file("in_turn.ll", WIDE_RESULTS_IN_TURN)), 54)

    def test_cold_functions(self):
        self.check(self.file("program.ll", COLD))
        self.check(self.file("pointers.ll", COLD_POINTERS))

    def test_hashes_of_types(self):
        self.assertEqual(self.check(self.file("hashed.c", HASHED), "-fsanitize=kcfi"), 7)
        self.assertEqual(self.check(self.file("flagged.c", FLAGGED), "-fsanitize=kcfi"), 5)

    def test_error_registers(self):
        for level in ["-O0", "-O1", "-O2"]:
            self.assertEqual(self.check(self.file("errors.c", ERROR_REGISTER), level), 9)

    def test_narrow_pointers(self):
        for level in ["-O0", "-O1"]:
            self.assertEqual(self.check(self.file("narrow.c", NARROW_POINTERS), level), 4)
        for mode in MODES:
            self.assertEqual(self.osrctl("run", *mode, self.file("vectors.ll", CASTS_OF_VECTORS)).returncode, 9)

    def test_functions_made_on_the_stack(self):
        self.check(self.file("program.ll", TRAMPOLINES))

    def test_what_xray_would_patch(self):
        flags = ["-fxray-instrument", "-fxray-instruction-threshold=1"]
        self.assertEqual(self.check(self.file("flagged.c", FLAGGED), *flags), 5)
        told = FLAGGED.replace("  struct node *root", '  __xray_customevent("begins", 6);\n  struct node *root').replace(
            "  if (!at) {", "  __xray_typedevent(7, (const char *)&key, sizeof key);\n  if (!at) {")
        self.assertEqual(self.check(self.file("told.c", told), *flags), 5)

    def test_machines_of_the_future(self):
        """Nobody is told at each function that a processor is not known."""
        unknown = 'attributes #0 = { "target-cpu"="x86-64-v9" "tune-cpu"="lake9" "target-features"="+sse2,+lake9-shuffle,+cx8" }\n'
        for text in (SHADOW_STACK.replace("noinline", "noinline #0") + unknown,
                     WIDE_RESULTS_IN_TURN.replace("attributes #0", "attributes #1").replace("#0", "#1").replace(
                         '"target-features"="+avx2"', '"target-cpu"="x86-64-v9" "target-features"="+avx2,+lake9-shuffle"')):
            for mode in MODES:
                ended = self.osrctl("run", *mode, self.file("program.ll", text))
                self.assertEqual(ended.stderr, "")
                self.assertIn(ended.returncode, [4664 % 251, 54])

    def test_profiler_in_each_function(self):
        flags = ["-Xclang", "-pg", "-fno-omit-frame-pointer"]
        for program in FLAGGED, RAISING:
            whole = COUNTED + program.replace("printf(", 'printf("%d %ld ", entries > 0, broken), printf(')
            self.check(self.file("counted.c", whole), *flags)

    def test_hardened_loads(self):
        self.assertEqual(self.check(self.file("raising.c", RAISING), "-mspeculative-load-hardening"), 7)
        self.assertEqual(self.check(self.file("flagged.c", FLAGGED), "-mspeculative-load-hardening"), 5)


if __name__ == "__main__":
    unittest.main()
