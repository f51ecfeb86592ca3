// Checks which functions are pinned, and why.
#include "canonical_fixture.h"

#include "compiler/canonical/gather_objects.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Instructions.h>

#include <map>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *functions_of_all_kinds = R"(
    %wide = type { <8 x i32> }
    declare i32 @setjmp(ptr)
    declare i32 @__gxx_personality_v0(...)
    declare void @other()
    declare void @over_aligned(ptr byval(%wide) align 32)
    declare preserve_mostcc void @preserving()
    declare void @keeping() "no_caller_saved_registers"
    declare <24 x double> @wide_result()
    declare void @wide_arguments(<16 x float>, <16 x float>, <16 x float>, <16 x float>, <16 x float>)
    define i32 @jumps(ptr %b) {
      %r = call i32 @setjmp(ptr %b)
      ret i32 %r
    }
    define void @reads(ptr %list, ...) {
      call void @llvm.va_start(ptr %list)
      ret void
    }
    define void @ignores(...) { ret void }
    define void @bare() naked {
      call void asm sideeffect "ret", ""()
      unreachable
    }
    define ptr @looks() {
      %r = call ptr @llvm.returnaddress(i32 0)
      ret ptr %r
    }
    define void @catches() personality ptr @__gxx_personality_v0 {
      invoke void @other() to label %ok unwind label %pad
    ok:
      ret void
    pad:
      %e = landingpad { ptr, i32 } catch ptr null
      ret void
    }
    declare i32 @_d_eh_personality(...)
    define void @catches_in_d() personality ptr @_d_eh_personality {
      invoke void @other() to label %ok unwind label %pad
    ok:
      ret void
    pad:
      %e = landingpad { ptr, i32 } cleanup
      call void @other()
      resume { ptr, i32 } %e
    }
    define void @passes_in_d() personality ptr @_d_eh_personality {
      call void @other()
      ret void
    }
    define void @asm_goto() {
      callbr void asm sideeffect "jmp ${0:l}", "!i"() to label %a [label %b]
    a:
      call void @other()
      ret void
    b:
      ret void
    }
    define { i64, i64, i64, i64 } @big() { ret { i64, i64, i64, i64 } zeroinitializer }
    define void @context(ptr swiftself %p) { ret void }
    define preserve_mostcc void @odd() { ret void }
    define void @calls_odd() {
      call preserve_mostcc void @preserving()
      ret void
    }
    define coldcc void @cold() { ret void }
    define void @calls_cold() {
      call coldcc void @cold()
      ret void
    }
    define void @keeps() "no_callee_saved_registers" { ret void }
    define void @calls_keeping() {
      call void @keeping()
      ret void
    }
    define fastcc void @fast() { ret void }
    define double @gets_wide() "target-cpu"="x86-64" "target-features"="+avx" {
      %r = call <24 x double> @wide_result()
      %x = extractelement <24 x double> %r, i32 23
      ret double %x
    }
    define void @passes_wide(ptr %p) "target-cpu"="x86-64" "target-features"="+avx" {
      %x = load <16 x float>, ptr %p
      call void @wide_arguments(<16 x float> %x, <16 x float> %x, <16 x float> %x, <16 x float> %x, <16 x float> %x)
      ret void
    }
    define void @passes_narrow(ptr %p) "target-cpu"="x86-64" "target-features"="+sse2" {
      %x = load <16 x float>, ptr %p
      call void @wide_arguments(<16 x float> %x, <16 x float> %x, <16 x float> %x, <16 x float> %x, <16 x float> %x)
      ret void
    }
    define void @aligned(ptr %p) {
      call void @over_aligned(ptr byval(%wide) align 32 %p)
      ret void
    }
    define void @aligned_objects(ptr %p) {
      %first = alloca %wide, align 32
      %second = alloca %wide, align 32
      call void @over_aligned(ptr byval(%wide) align 32 %first)
      call void @over_aligned(ptr byval(%wide) align 32 %second)
      ret void
    }
    declare void @llvm.va_start(ptr)
    declare ptr @llvm.returnaddress(i32))";

const std::map<std::string, PinReason> reasons = {
    {"jumps", PinReason::ReturnsTwice},
    {"reads", PinReason::VariableArguments},
    {"ignores", PinReason::None},
    {"bare", PinReason::Naked},
    {"looks", PinReason::FrameAddress},
    {"catches", PinReason::None},
    {"catches_in_d", PinReason::ExceptionTables},
    {"passes_in_d", PinReason::None},
    {"asm_goto", PinReason::AsmGoto},
    {"big", PinReason::ResultInMemory},
    {"context", PinReason::ArgumentKind},
    {"odd", PinReason::CallingConvention},
    {"calls_odd", PinReason::CallingConvention},
    {"cold", PinReason::CallingConvention},
    {"calls_cold", PinReason::CallingConvention},
    {"keeps", PinReason::CallingConvention},
    {"calls_keeping", PinReason::CallingConvention},
    {"fast", PinReason::None},
    {"aligned", PinReason::RealignedFrame},
    {"aligned_objects", PinReason::RealignedFrame},
    {"gets_wide", PinReason::RealignedFrame},
    {"passes_wide", PinReason::RealignedFrame},
    {"passes_narrow", PinReason::None}, // in pieces of 16 bytes
};

} // namespace

TEST_CASE("an aggregate with very many members pins its function", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @other()
    define void @f(ptr %p, ptr %q) {
      %huge = load volatile [1000 x i64], ptr %p
      call void @other()
      store volatile [1000 x i64] %huge, ptr %q
      ret void
    })");
  CHECK(program.functions[0].pinned == PinReason::LargeAggregate);
  CHECK(program.module->getFunction("f")->hasFnAttribute(Attribute::NoInline));
}

TEST_CASE("functions that cannot be replaced are pinned with the reason", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(functions_of_all_kinds);
  CHECK(program.functions.size() == reasons.size());
  for (const auto &[name, reason] : reasons) {
    INFO(name);
    CHECK(program.find_function(name)->pinned == reason);
  }
  CHECK(std::string(to_string(PinReason::Naked)) == "is naked");
}

TEST_CASE("what is pinned may realign its frame, and gathers objects that are aligned by hand", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(functions_of_all_kinds);
  CHECK_FALSE(program.module->getFunction("gets_wide")->hasFnAttribute("no-realign-stack"));
  CHECK_FALSE(program.module->getFunction("aligned")->hasFnAttribute("no-realign-stack"));
  // Objects that are aligned by hand stand in front of what aligns them: counting code splits the block behind them.
  CHECK(has_gathered_objects(*program.module->getFunction("aligned_objects")));
}

TEST_CASE("buffers are given back where setjmp returns once more", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(functions_of_all_kinds);
  Function &jumps = *program.module->getFunction("jumps");
  REQUIRE(calls_of(jumps, "osr.buffers.restore").size() == 1);
  CHECK(calls_of(jumps, "setjmp")[0]->getNextNode()->getNextNode() == calls_of(jumps, "osr.buffers.restore")[0]);
  CHECK(calls_of(*program.module->getFunction("catches"), "osr.buffers.restore").empty());
}
