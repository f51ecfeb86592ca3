#!/usr/bin/env python3
"""Checks that IR which LLVM has no code for is refused by name before the program starts."""
import unittest

from odd_ir import PRINT
from osrctl_case import OsrctlCase

FAILURE = 1


class Refused(OsrctlCase):
    """LLVM would end the process for these, when the function is compiled."""

    def refused(self, construct, body, before=""):
        text = PRINT + before + "define i32 @main() {\n  call void @odd(ptr null)\n  ret i32 0\n}\n" + body
        path = self.file("program.ll", text)
        for mode in [[], ["--tier", "optimized"]]:
            self.assert_refused(FAILURE, "'odd'", construct, by=["run", *mode, path])
        for verb in ["sites", "code", "bisect"]:
            self.assert_refused(FAILURE, "'odd'", construct, by=[verb, path])

    def test_intrinsics(self):
        for declaration, call, name in [
                ("{ptr, i1} @llvm.type.checked.load(ptr, i32, metadata)",
                 '{ptr, i1} @llvm.type.checked.load(ptr %p, i32 0, metadata !"x")', "llvm.type.checked.load"),
                ("i64 @llvm.coro.size.i64()", "i64 @llvm.coro.size.i64()", "llvm.coro.size"),
                ("ptr @llvm.sponentry.p0()", "ptr @llvm.sponentry.p0()", "llvm.sponentry"),
                ("void @llvm.pcmarker(i32)", "void @llvm.pcmarker(i32 1)", "llvm.pcmarker"),
                ("void @llvm.eh.sjlj.setup.dispatch()", "void @llvm.eh.sjlj.setup.dispatch()", "llvm.eh.sjlj.setup.dispatch"),
                ("void @llvm.instrprof.cover(ptr, i64, i32, i32)", "void @llvm.instrprof.cover(ptr @tick, i64 1, i32 1, i32 0)",
                 "llvm.instrprof.cover"),
                ("i64 @llvm.vscale.i64()", "i64 @llvm.vscale.i64()", "llvm.vscale"),
                ("i64 @llvm.ptrauth.blend(i64, i64)", "i64 @llvm.ptrauth.blend(i64 1, i64 2)", "llvm.ptrauth.blend"),
                ("i32 @llvm.aarch64.crc32b(i32, i32)", "i32 @llvm.aarch64.crc32b(i32 1, i32 2)", "llvm.aarch64.crc32b"),
                ("token @llvm.call.preallocated.setup(i32)", "token @llvm.call.preallocated.setup(i32 0)", "preallocated"),
                ("void @llvm.experimental.stackmap(i64, i32, ...)",
                 "void (i64, i32, ...) @llvm.experimental.stackmap(i64 7, i32 0)", "llvm.experimental.stackmap")]:
            result = "" if call.startswith("void") else "%r = "
            self.refused(name, f"define void @odd(ptr %p) {{\n  {result}call {call}\n  ret void\n}}\n", f"declare {declaration}\n")

    def test_statepoints(self):
        self.refused("statepoint", """
define void @odd(ptr %p) gc "statepoint-example" {
  %t = call token (i64, i32, ptr, i32, i32, ...) @llvm.experimental.gc.statepoint.p0(i64 0, i32 0,
           ptr elementtype(i64 (i64)) @tick, i32 1, i32 0, i64 4, i32 0, i32 0)
  ret void
}
declare token @llvm.experimental.gc.statepoint.p0(i64 immarg, i32 immarg, ptr, i32 immarg, i32 immarg, ...)
""")

    def test_types(self):
        for kind in ["<vscale x 2 x i64>", "<vscale x 16 x i8>"]:
            self.refused(kind, f"define void @odd(ptr %p) {{\n  %v = load {kind}, ptr %p\n  ret void\n}}\n")
            self.refused(kind, f"define void @odd(ptr %p) {{\n  %v = alloca {kind}\n  ret void\n}}\n")
        self.refused("spirv.Event", 'declare void @takes(target("spirv.Event"))\n'
                     'define void @odd(ptr %p) {\n  call void @takes(target("spirv.Event") poison)\n  ret void\n}\n')

    def test_collectors_and_bundles(self):
        self.refused("'nobody.knows'", 'define void @odd(ptr %p) gc "nobody.knows" {\n  ret void\n}\n')
        self.refused("'nobody.knows'", 'define void @odd(ptr %p) {\n  %t = call i64 @tick(i64 1) [ "nobody.knows"(ptr %p) ]\n'
                     "  ret void\n}\n")

    def test_conventions_of_others(self):
        """Calls in them can be made, functions cannot."""
        for number in (11, 19):
            self.refused(f"calling convention {number}", f"define cc {number} void @odd(ptr %p) {{\n  ret void\n}}\n")

    def test_values_of_too_many_parts(self):
        for kind, parts in ("[70000 x i8]", 70000), ("{ [300 x { i32, [250 x i8] }], ptr }", 75301):
            self.refused(f"a value of {parts} parts", "define void @odd(ptr %p) {\n"
                         f"  %v = load {kind}, ptr %p\n  store {kind} %v, ptr %p\n  ret void\n}}\n")

    def test_operations_without_instructions(self):
        """No list has them: that code generation cannot do it is tried before the program starts."""
        for declaration, call, name in [
                ("double @llvm.powi.f64.i64(double, i64)", "double @llvm.powi.f64.i64(double %x, i64 %n)", "llvm.powi.f64.i64"),
                ("<8 x half> @llvm.canonicalize.v8f16(<8 x half>)", "<8 x half> @llvm.canonicalize.v8f16(<8 x half> %h)",
                 "llvm.canonicalize.v8f16"),
                ("i16 @llvm.convert.to.fp16.v3f32(<3 x float>)", "i16 @llvm.convert.to.fp16.v3f32(<3 x float> %f)",
                 "llvm.convert.to.fp16"),
                ("<16 x float> @llvm.x86.avx512.max.ps.512(<16 x float>, <16 x float>, i32 immarg)",
                 "<16 x float> @llvm.x86.avx512.max.ps.512(<16 x float> %w, <16 x float> %w, i32 4)", "llvm.x86.avx512.max.ps.512")]:
            kind = call.split(" @")[0]
            self.refused(name, f"""define void @odd(ptr %p) {{
  %x = load double, ptr %p
  %n = load i64, ptr %p
  %h = load <8 x half>, ptr %p
  %f = load <3 x float>, ptr %p
  %w = load <16 x float>, ptr %p
  %r = call {call}
  store {kind} %r, ptr %p
  ret void
}}
""", f"declare {declaration}\n")

    def test_what_has_no_instructions(self):
        """Only the code generator finds out: the function is called, but the process ends with a message and in order."""
        for body in ['%r = call <16 x float> asm sideeffect "", "=v"()\n  store <16 x float> %r, ptr %p',
                     'call void asm sideeffect "no such instruction", ""()']:
            path = self.file("program.ll", PRINT + f"""
@place = global [64 x i8] zeroinitializer, align 64
define void @odd(ptr %p) {{
  {body}
  ret void
}}
define i32 @main() {{
  call void @odd(ptr @place)
  ret i32 0
}}
""")
            for mode in [["--tier", "baseline"], ["--tier", "optimized"]]:
                ended = self.osrctl("run", *mode, path)
                self.assertEqual(ended.returncode, FAILURE, ended.stderr)
                self.assertRegex(ended.stderr, r"cannot compile 'odd' .*failed: ")


if __name__ == "__main__":
    unittest.main()
