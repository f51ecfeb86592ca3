#!/usr/bin/env python3
"""Checks that IR which few front ends write does what it does natively."""
import json
import subprocess
import unittest

from odd_ir import PRINT
from osrctl_case import CLANG, OsrctlCase

MODES = [["--tier", "baseline"], ["--tier", "optimized"], ["--tier", "auto", "--tier-threshold", "3", "--compile-threads", "0"],
         ["--tier", "baseline", "--stress", "every"], ["--tier", "optimized", "--stress", "every"],
         ["--tier", "optimized", "--stress", "random:4"]]


class OddPrograms(OsrctlCase):
    def same_as_native(self, text, modes=MODES, level="-O1"):
        path = self.file("program.ll", PRINT + text)
        native = str(self.folder / "native")
        subprocess.run([CLANG, "-w", level, "-x", "ir", path, "-o", native, "-lm"], check=True)
        expected = subprocess.run([native], capture_output=True, text=True, check=False)
        self.assertNotEqual(expected.stdout, "")
        statistics = self.folder / "statistics.json"
        flipped = 0
        for mode in modes:
            ended = self.osrctl("run", *mode, "--stats", str(statistics), path)
            self.assertEqual((ended.stdout, ended.returncode), (expected.stdout, expected.returncode), (mode, ended.stderr))
            counted = json.loads(statistics.read_text())
            self.assertEqual(counted["functions"]["not_optimized"], {}, mode)
            flipped += sum(counted["transitions"][kind] for kind in ["in_place", "continuation", "split"])
        return flipped

    def test_branches_that_are_known(self):
        """No front end that optimises leaves them, and only the code generator may see that a condition is one."""
        for condition in ["false", "%never", "%folded", "%masked"]:
            flipped = self.same_as_native(f"""
define i64 @chooses(i64 %x) noinline {{
  %never = icmp ult i64 %x, 0
  %folded = icmp ugt i64 3, 5
  %bit = and i64 %x, 0
  %masked = icmp ne i64 %bit, 0
  %a = call i64 @tick(i64 %x)
  br i1 {condition}, label %one, label %other
one:
  %b = call i64 @tick(i64 %a)
  call void @show(i64 %b)
  br label %done
other:
  %c = call i64 @tick(i64 7)
  br label %done
done:
  %r = phi i64 [ %b, %one ], [ %c, %other ]
  %d = call i64 @tick(i64 %r)
  ret i64 %d
}}
define i32 @main() {{
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %next, %round ]
  %v = call i64 @chooses(i64 %i)
  call void @show(i64 %v)
  %next = add i64 %i, 1
  %more = icmp ult i64 %next, 9
  br i1 %more, label %round, label %done
done:
  ret i32 0
}}""")
            self.assertGreater(flipped, 20, condition)

    def test_variable_arguments_handed_on(self):
        """The last argument that a register can carry, and some beyond."""
        flipped = self.same_as_native("""
declare void @llvm.va_start(ptr)
declare i32 @vprintf(ptr, ptr)
@many = private constant [43 x i8] c"%ld %g %ld %ld %ld %ld %ld %g %g %ld %ld \\0A\\00"
define void @prints(ptr %this, ptr %format, ...) noinline {
  %list = alloca [3 x i64]
  call void @llvm.va_start(ptr %list)
  %n = call i32 @vprintf(ptr %format, ptr %list)
  ret void
}
define void @adjusts(ptr %this, ...) noinline {
  %t = call i64 @tick(i64 1)
  %base = getelementptr i8, ptr %this, i64 16
  call void @show(i64 %t)
  musttail call void (ptr, ...) @prints(ptr %base, ...)
  ret void
}
define i32 @main() {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %next, %round ]
  call void (ptr, ...) @adjusts(ptr null, ptr @many, i64 1, double 2.5, i64 3, i64 %i, i64 5, i64 6, i64 7, double 0.5,
                                double -1.5, i64 8, i64 9)
  %next = add i64 %i, 1
  %goes_on = icmp ult i64 %next, 12
  br i1 %goes_on, label %round, label %done
done:
  ret i32 4
}""")
        self.assertGreater(flipped, 0)

    def test_nothing_behind_a_call(self):
        """A call that is not said to return never: a continuation, and a function, of which nothing can be reached."""
        flipped = self.same_as_native("""
declare void @exit(i32)
define void @leaves(i64 %x) noinline {
  %t = call i64 @tick(i64 1)
  call void @show(i64 %t)
  call void @exit(i32 6)
  ret void
}
@leave = global ptr @leaves
@never = global ptr @impossible
define void @impossible(i64 %x) noinline {
  unreachable
}
define void @hangs_on(i64 %x) noinline {
  %way = load volatile ptr, ptr @leave
  call void %way(i64 %x)
  unreachable
}
define i32 @main() {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %next, %round ]
  %t = call i64 @tick(i64 %i)
  %next = add i64 %i, 1
  %goes_on = icmp ult i64 %next, 9
  br i1 %goes_on, label %round, label %done
done:
  call void @hangs_on(i64 %t)
  unreachable
}""", MODES + [["--tier", "optimized", "--stress", "all:1"], ["--tier", "baseline", "--stress", "all:2"]])
        self.assertGreater(flipped, 0)

    def test_tiles_across_calls(self):
        """The code with tiles is compiled and does not run: not every machine has them."""
        self.same_as_native("""
@memory = global [1024 x i8] zeroinitializer
declare x86_amx @llvm.x86.tileloadd64.internal(i16, i16, ptr, i64)
declare void @llvm.x86.tilestored64.internal(i16, i16, ptr, i64, x86_amx)
define i64 @tiles(i1 %has_them) noinline "target-features"="+amx-tile" {
  br i1 %has_them, label %one, label %other
one:
  %tile = call x86_amx @llvm.x86.tileloadd64.internal(i16 8, i16 8, ptr @memory, i64 32)
  %a = call i64 @tick(i64 1)
  call void @llvm.x86.tilestored64.internal(i16 8, i16 8, ptr @memory, i64 32, x86_amx %tile)
  ret i64 0
other:
  %b = call i64 @tick(i64 2)
  %c = call i64 @tick(i64 3)
  ret i64 3
}
define i32 @main() {
  %has_them = load volatile i1, ptr @clock
  br i1 %has_them, label %one, label %other
one:
  %a = call i64 @tiles(i1 true)
  br label %other
other:
  %d = call i64 @tick(i64 4)
  call void @show(i64 %d)
  ret i32 0
}""")
        ended = self.osrctl("code", str(self.folder / "program.ll"))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("tiles", ended.stdout)

    def test_convergence(self):
        flipped = self.same_as_native("""
declare token @llvm.experimental.convergence.entry()
declare token @llvm.experimental.convergence.loop()
define i64 @together(i64 %n) convergent noinline {
  %all = call token @llvm.experimental.convergence.entry()
  %first = call i64 @tick(i64 %n) [ "convergencectrl"(token %all) ]
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %next, %round ]
  %these = call token @llvm.experimental.convergence.loop() [ "convergencectrl"(token %all) ]
  %t = call i64 @tick(i64 %i) convergent [ "convergencectrl"(token %these) ]
  %next = add i64 %i, 1
  %goes_on = icmp ult i64 %next, %n
  br i1 %goes_on, label %round, label %done
done:
  %r = mul i64 %t, %first
  ret i64 %r
}
define i32 @main() {
  %r = call i64 @together(i64 7)
  call void @show(i64 %r)
  ret i32 0
}""")
        self.assertGreater(flipped, 0)


    def test_many_assumptions(self):
        """A part of each says nothing that is of use; LLVM 22 crashes when it drops that, natively too."""
        facts = "".join(f"""
  %a{i} = getelementptr i8, ptr %p, i64 {i}
  %b{i} = getelementptr i64, ptr %q, i64 {i % 50}
  call void @llvm.assume(i1 true) [ "nonnull"(ptr %a{i}), "align"(ptr %b{i}, i64 8), "dereferenceable"(ptr %b{i}, i64 8) ]
  store i64 {i}, ptr %b{i}""" for i in range(120))
        flipped = self.same_as_native("""
@cells = global [64 x i64] zeroinitializer
declare void @llvm.assume(i1)
define i64 @knows(ptr %p, ptr %q) noinline {
  %t = call i64 @tick(i64 2)""" + facts + """
  %u = call i64 @tick(i64 %t)
  %c = load i64, ptr %b7
  %r = add i64 %c, %u
  ret i64 %r
}
define i32 @main() {
  %a = call i64 @knows(ptr @cells, ptr @cells)
  %b = call i64 @knows(ptr @cells, ptr @cells)
  %c = call i64 @knows(ptr @cells, ptr @cells)
  call void @show(i64 %c)
  ret i32 0
}""", level="-O0")
        self.assertGreater(flipped, 0)

    def test_operations_on_odd_types(self):
        """Each is compiled by itself before the program starts, and none needlessly refused."""
        flipped = self.same_as_native("""
declare i96 @llvm.bitreverse.i96(i96)
declare {i200, i1} @llvm.umul.with.overflow.i200(i200, i200)
declare <3 x double> @llvm.minnum.v3f64(<3 x double>, <3 x double>)
declare <4 x i32> @llvm.vp.add.v4i32(<4 x i32>, <4 x i32>, <4 x i1>, i32)
declare x86_fp80 @llvm.experimental.constrained.sqrt.f80(x86_fp80, metadata, metadata)
define i64 @odd(i64 %x) noinline strictfp {
  %wide = zext i64 %x to i96
  %back = call i96 @llvm.bitreverse.i96(i96 %wide)
  %t = call i64 @tick(i64 1) strictfp
  %wider = zext i96 %back to i200
  %pair = call {i200, i1} @llvm.umul.with.overflow.i200(i200 %wider, i200 %wider)
  %product = extractvalue {i200, i1} %pair, 0
  %high = lshr i200 %product, 130
  %h = trunc i200 %high to i64
  %four = insertelement <4 x i32> splat (i32 7), i32 5, i32 1
  %sum = call <4 x i32> @llvm.vp.add.v4i32(<4 x i32> %four, <4 x i32> %four, <4 x i1> splat (i1 true), i32 4)
  %u = call i64 @tick(i64 2) strictfp
  %part = extractelement <4 x i32> %sum, i32 1
  %p = zext i32 %part to i64
  %root = call x86_fp80 @llvm.experimental.constrained.sqrt.f80(x86_fp80 0xK400C8000000000000000, metadata !"round.tonearest",
                                                                metadata !"fpexcept.ignore") strictfp
  %r = fptosi x86_fp80 %root to i64
  %a = add i64 %h, %p
  %b = add i64 %a, %u
  %c = add i64 %b, %r
  ret i64 %c
}
define i32 @main() {
  %a = call i64 @odd(i64 12345)
  %b = call i64 @odd(i64 %a)
  call void @show(i64 %b)
  ret i32 0
}""")
        self.assertGreater(flipped, 0)

    def test_assembly_that_describes_its_frame(self):
        """In ways that no row of the runtime's can say; what calls such a function is replaced as ever."""
        flipped = self.same_as_native("""
define i64 @by_expression(i64 %x) noinline uwtable {
  %t = call i64 @tick(i64 %x)
  call void asm sideeffect ".cfi_remember_state\0A.cfi_escape 0x0f, 0x03, 0x77, 0x08, 0x06\0Anop\0A.cfi_restore_state", ""()
  %u = call i64 @tick(i64 %t)
  ret i64 %u
}
define i64 @by_register(i64 %x) noinline uwtable {
  %t = call i64 @tick(i64 %x)
  call void asm sideeffect ".cfi_def_cfa rcx, 24\0A.cfi_undefined rip", ""()
  %u = call i64 @tick(i64 %t)
  ret i64 %u
}
define i64 @calls(i64 %x) noinline {
  %a = call i64 @by_expression(i64 %x)
  %b = call i64 @by_register(i64 %a)
  %c = xor i64 %a, %b
  ret i64 %c
}
define i32 @main() {
  %a = call i64 @calls(i64 3)
  %b = call i64 @calls(i64 %a)
  call void @show(i64 %b)
  ret i32 0
}""")
        self.assertGreater(flipped, 0)

    def test_profiles_for_a_linker(self):
        """What is known of the order of functions becomes a section that no linker in memory knows; LLVM adds to it."""
        self.assertGreater(self.same_as_native("""
define i32 @main() !prof !3 {
  %x = call i64 @tick(i64 3)
  %y = call i64 @tick(i64 4)
  %z = add i64 %x, %y
  call void @show(i64 %z)
  ret i32 0
}
!llvm.module.flags = !{!0}
!0 = !{i32 5, !"CG Profile", !1}
!1 = distinct !{!2}
!2 = !{ptr @main, ptr @tick, i64 1000}
!3 = !{!"function_entry_count", i64 1000}
"""), 0)


if __name__ == "__main__":
    unittest.main()
