// Checks that a code generator which is used again emits what a new one does.
#include "compiler/codegen/code_generator.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/Support/SourceMgr.h>

using namespace llvm;
using namespace osr;

namespace {

/// Each has something that an object has once: a map, a table for exceptions, constants, thread-locals, lines, numbered
/// labels, tables of collectors.
constexpr const char *texts[] = {
    R"(declare i64 @ext(i64)
       declare void @llvm.experimental.stackmap(i64, i32, ...)
       define i64 @calls(i64 %n) {
         %slot = alloca i64
         store i64 %n, ptr %slot
         %r = call i64 @ext(i64 3), !osr.record !0
         call void (i64, i32, ...) @llvm.experimental.stackmap(i64 0, i32 0, ptr %slot)
         ret i64 %r
       }
       !0 = !{i32 0})",
    R"(declare void @ext()
       declare i32 @__gxx_personality_v0(...)
       define i32 @catches() personality ptr @__gxx_personality_v0 {
         invoke void @ext() to label %fine unwind label %pad
       fine:
         ret i32 0
       pad:
         %caught = landingpad { ptr, i32 } catch ptr null
         %selector = extractvalue { ptr, i32 } %caught, 1
         ret i32 %selector
       })",
    R"(@word = external thread_local global i64
       define <4 x float> @constants(<4 x float> %v) "target-features"="+avx2,+fma" {
         %s = fadd <4 x float> %v, <float 1.0, float 2.0, float 3.0, float 4.0>
         ret <4 x float> %s
       }
       define i64 @local(i64 %i) {
         %v = load i64, ptr @word
         switch i64 %i, label %other [i64 0, label %a i64 1, label %b i64 2, label %a i64 3, label %b i64 4, label %c]
       a: ret i64 %v
       b: ret i64 7
       c: ret i64 9
       other: ret i64 11
       })",
    R"(define i64 @lines(i64 %n) !dbg !3 {
         %r = add i64 %n, 1, !dbg !5
         ret i64 %r, !dbg !5
       }
       !llvm.dbg.cu = !{!0}
       !llvm.module.flags = !{!2}
       !0 = distinct !DICompileUnit(language: DW_LANG_C99, file: !1, emissionKind: LineTablesOnly)
       !1 = !DIFile(filename: "lines.c", directory: "/")
       !2 = !{i32 2, !"Debug Info Version", i32 3}
       !3 = distinct !DISubprogram(name: "lines", file: !1, line: 1, type: !4, unit: !0, spFlags: DISPFlagDefinition)
       !4 = !DISubroutineType(types: !{null})
       !5 = !DILocation(line: 2, scope: !3))",
    R"(define i32 @counts_down(i32 %n) {
         %r = call i32 asm sideeffect "1: decl $0\0A\09jnz 1b", "=r,0"(i32 %n)
         ret i32 %r
       })",
    R"(define i32 @skips(i32 %n) {
         %r = call i32 asm sideeffect "testl $0, $0\0A\09jz 2f\0A\09incl $0\0A2:\0A1: nop", "=r,0"(i32 %n)
         ret i32 %r
       })",
    R"(declare void @ext()
       define void @collected() gc "ocaml" {
         call void @ext()
         ret void
       })",
    R"(define void @on_a_shadow_stack(ptr %p) gc "shadow-stack" {
         ret void
       })",
};

/// Registers run out: an error of the code generator.
constexpr const char *impossible = R"(define void @impossible() {
    call void asm sideeffect "", "{nosuchregister}"(i64 1)
    ret void
  })";

/// Reads the text into a context that is gone afterwards, as those of optimised functions are.
std::string emitted(ObjectEmitter &emitter, TargetMachine &machine, const char *text, CodegenReport &report) {
  LLVMContext context;
  SMDiagnostic problem;
  auto module = parseAssemblyString(text, problem, context);
  INFO(problem.getMessage().str());
  REQUIRE(module);
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  auto object = emitter.emit(*module, report);
  if (!object)
    return "error: " + toString(object.takeError());
  return (*object)->getBuffer().str();
}

} // namespace

TEST_CASE("A code generator that is used again emits what a new one does, also after an error", "[emit]") {
  const auto level = GENERATE(CodegenLevel::Fast, CodegenLevel::Optimizing);
  auto again = cantFail(CodeGenerator::create(level, ReturnPoints::Patchable));
  for (int round = 0; round < 3; ++round)
    for (const char *text : texts) {
      CAPTURE(round, text);
      auto fresh = cantFail(CodeGenerator::create(level, ReturnPoints::Patchable));
      CodegenReport expected, report;
      const std::string object = emitted(fresh->emitter(), fresh->machine(), text, expected);
      CHECK(object.starts_with("\x7f"
                               "ELF"));
      CHECK(emitted(again->emitter(), again->machine(), text, report) == object);
      CHECK(report.anchored == expected.anchored);
      CHECK(report.calls == expected.calls);
      CHECK(report.not_certified == expected.not_certified);
      CHECK(report.cfa_from_sp == expected.cfa_from_sp);
      if (round == 1)
        CHECK(emitted(again->emitter(), again->machine(), impossible, report).starts_with("error: "));
    }
}

TEST_CASE("Who takes a code generator out of the pool has it alone, and finds one that was given back", "[emit]") {
  CodeGeneratorPool pool(ReturnPoints::Plain, {});
  auto first = cantFail(pool.take()), second = cantFail(pool.take());
  CHECK(first.get() != second.get());
  const CodeGenerator *given_back = first.get();
  pool.give_back(std::move(first));
  CHECK(cantFail(pool.take()).get() == given_back);
}
