// Checks the steps of compiler/canonical that change code, each on the smallest text that shows what it does.
#include "canonical_fixture.h"

#include "compiler/canonical/computed_goto.h"
#include "compiler/canonical/define_undef.h"
#include "compiler/canonical/gather_objects.h"
#include "compiler/canonical/split_aggregates.h"
#include "compiler/canonical/struct_returns.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

TEST_CASE("computed goto becomes a switch, label tables become numbers", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    @table = internal constant [2 x ptr] [ptr blockaddress(@f, %a), ptr blockaddress(@f, %b)]
    @distance = internal constant i64 sub (i64 ptrtoint (ptr blockaddress(@f, %b) to i64),
                                           i64 ptrtoint (ptr blockaddress(@f, %a) to i64))
    define i32 @f(i64 %i) {
      %slot = getelementptr ptr, ptr @table, i64 %i
      %label = load ptr, ptr %slot
      indirectbr ptr %label, [label %a, label %b, label %a, label %c]
    a:
      %x = phi i32 [ 1, %0 ], [ 1, %0 ], [ 3, %c ]
      ret i32 %x
    b:
      ret i32 2
    c:
      br label %a
    })");
  REQUIRE_FALSE(bool(expand_computed_goto(*module)));
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  Function &function = *module->getFunction("f");
  CHECK(all<IndirectBrInst>(function).empty());
  auto switches = all<SwitchInst>(function);
  REQUIRE(switches.size() == 1);
  CHECK(switches[0]->getNumCases() == 2); // c's address is never taken
  CHECK(isa<UnreachableInst>(switches[0]->getDefaultDest()->front()));
  CHECK(print(*module).find("blockaddress") == std::string::npos);
  auto *distance = dyn_cast<ConstantInt>(module->getGlobalVariable("distance", true)->getInitializer());
  REQUIRE(distance);
  CHECK(distance->getSExtValue() == 1);
  CHECK_THAT(fixture.refusal(R"(define void @f() {
      call void asm sideeffect "", "i"(ptr blockaddress(@f, %a))
      br label %a
    a:
      ret void
    })"),
             Contains("'f' gives the address of a label"));
}

TEST_CASE("a switch that was a computed goto can become one again, as long as it is whole", "[canonical]") {
  CanonicalFixture fixture;
  const std::string text = R"(
    define i32 @f(ptr %label, i32 %other) {
      indirectbr ptr %label, [label %a, label %b, label %c]
    a:
      %x = phi i32 [ 1, %0 ], [ 2, %b ]
      %address = select i1 true, ptr blockaddress(@f, %a), ptr blockaddress(@f, %b)
      store volatile ptr %address, ptr %label
      switch i32 %other, label %d [ i32 1, label %c ]
    b:
      br label %a
    c:
      store volatile ptr blockaddress(@f, %c), ptr %label
      ret i32 3
    d:
      ret i32 %x
    })";
  auto module = fixture.parse(text);
  REQUIRE_FALSE(bool(expand_computed_goto(*module)));
  Function &function = *module->getFunction("f");
  auto switches = all<SwitchInst>(function);
  REQUIRE(switches.size() == 2);
  CHECK(is_computed_goto(*switches[0]));
  CHECK_FALSE(is_computed_goto(*switches[1]));
  SECTION("two cases lead to one block") {
    switches[0]->addCase(cast<ConstantInt>(ConstantInt::get(switches[0]->getCondition()->getType(), 7)),
                         switches[0]->case_begin()->getCaseSuccessor());
    auto &phi = cast<PHINode>(switches[0]->case_begin()->getCaseSuccessor()->front());
    phi.addIncoming(phi.getIncomingValueForBlock(&function.getEntryBlock()), &function.getEntryBlock());
    restore_computed_goto(function);
    REQUIRE_FALSE(verifyModule(*module, &errs()));
    auto jumps = all<IndirectBrInst>(function);
    REQUIRE(jumps.size() == 1);
    CHECK(jumps[0]->getNumDestinations() == 3);
    CHECK(all<SwitchInst>(function).size() == 1); // the one that was written as one
    const auto *table = cast<ConstantArray>(module->getGlobalVariable("goto.table", true)->getInitializer());
    REQUIRE(table->getNumOperands() == 8);
    CHECK(cast<BlockAddress>(table->getOperand(7))->getBasicBlock() == &*std::next(function.begin()));
    CHECK(table->getOperand(0)->isNullValue());
  }
  SECTION("another label may be asked for") {
    switches[0]->setDefaultDest(switches[0]->case_begin()->getCaseSuccessor());
    restore_computed_goto(function);
    CHECK(all<IndirectBrInst>(function).empty());
  }
}

TEST_CASE("struct returns become pointer results, also in guaranteed tail calls", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    %s = type { [5 x i64] }
    declare void @outside(ptr noalias writable sret(%s) align 8 captures(none), i32)
    define void @make(ptr sret(%s) %out, i32 %i) {
      %slow = icmp eq i32 %i, 0
      br i1 %slow, label %tail, label %here
    here:
      store i64 1, ptr %out
      ret void
    tail:
      musttail call void @outside(ptr sret(%s) %out, i32 %i)
      ret void
    }
    define void @use(ptr %callee, ptr %p) {
      call void %callee(ptr sret(%s) %p, i32 2)
      call void @make(ptr %p, i32 1)
      ret void
    })");
  REQUIRE_FALSE(bool(convert_struct_returns(*module)));
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  CHECK(print(*module).find("sret") == std::string::npos);
  Function &make = *module->getFunction("make"), &outside = *module->getFunction("outside");
  auto returns = all<ReturnInst>(make);
  REQUIRE(returns.size() == 2);
  CHECK(returns[0]->getReturnValue() == make.getArg(0));
  CHECK(returns[1]->getReturnValue() == calls_of(make, "outside")[0]);
  CHECK(outside.hasParamAttribute(0, Attribute::NoAlias));
  CaptureInfo captures = outside.getParamAttribute(0, Attribute::Captures).getCaptureInfo();
  CHECK(captures.isRetOnly());
  CHECK(capturesFullProvenance(captures.getRetComponents()));
  for (CallBase *call : all<CallBase>(*module->getFunction("use")))
    CHECK(call->getType()->isPointerTy());
}

TEST_CASE("undefined choices become zero", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    define <2 x i32> @f(i1 %c, <2 x i32> %v, ptr %p) {
      br i1 %c, label %a, label %b
    a:
      br label %b
    b:
      %x = phi <2 x i32> [ poison, %0 ], [ %v, %a ]
      %q = phi ptr [ undef, %a ], [ %p, %0 ]
      %y = select i1 %c, <2 x i32> <i32 5, i32 poison>, <2 x i32> %x
      store ptr %q, ptr %p
      ret <2 x i32> %y
    })");
  define_undef(*module->getFunction("f"));
  std::string text = print(*module);
  CHECK(text.find("poison") == std::string::npos);
  CHECK(text.find("undef") == std::string::npos);
  CHECK_THAT(text, Contains("<2 x i32> <i32 5, i32 0>"));
}

TEST_CASE("aggregates are split into members and rebuilt where needed", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    declare { i64, { double, i64 } } @make()
    declare void @other()
    declare void @take({ i64, { double, i64 } })
    define { i64, { double, i64 } } @f(i1 %c, { i64, { double, i64 } } %arg) {
      %made = call { i64, { double, i64 } } @make()
      br i1 %c, label %loop, label %done
    loop:
      %agg = phi { i64, { double, i64 } } [ %made, %0 ], [ %next, %loop ]
      %inner = extractvalue { i64, { double, i64 } } %agg, 1
      %deep = extractvalue { double, i64 } %inner, 1
      %swapped = insertvalue { i64, { double, i64 } } %arg, { double, i64 } %inner, 1
      %chosen = select i1 %c, { i64, { double, i64 } } %swapped, { i64, { double, i64 } } %made
      %next = insertvalue { i64, { double, i64 } } %chosen, i64 %deep, 0
      call void @other()
      call void @take({ i64, { double, i64 } } %next)
      %again = icmp eq i64 %deep, 0
      br i1 %again, label %loop, label %done
    done:
      %result = phi { i64, { double, i64 } } [ %made, %0 ], [ %next, %loop ]
      call void @other()
      ret { i64, { double, i64 } } %result
    })");
  Function &function = *module->getFunction("f");
  REQUIRE(split_aggregates(function));
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  for (PHINode *phi : all<PHINode>(function))
    CHECK_FALSE(phi->getType()->isAggregateType());
  CHECK(all<SelectInst>(function).size() == 2); // the first member is replaced before anybody reads it
  for (Instruction *instruction : all<Instruction>(function)) {
    if (!instruction->getType()->isAggregateType())
      continue;
    for (User *user : instruction->users()) { // no call in between
      CHECK(cast<Instruction>(user)->getParent() == instruction->getParent());
      CHECK((isa<ExtractValueInst>(user) || isa<InsertValueInst>(instruction)));
    }
  }
}

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
  CanonicalProgram program = fixture.canonical(R"(
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
    declare ptr @llvm.returnaddress(i32))");
  auto reason = [&](const char *name) { return program.find_function(name)->pinned; };
  CHECK(reason("jumps") == PinReason::ReturnsTwice);
  CHECK(reason("reads") == PinReason::VariableArguments);
  CHECK(reason("ignores") == PinReason::None);
  CHECK(reason("bare") == PinReason::Naked);
  CHECK(reason("looks") == PinReason::FrameAddress);
  CHECK(reason("catches") == PinReason::None);
  CHECK(reason("catches_in_d") == PinReason::ExceptionTables);
  CHECK(reason("passes_in_d") == PinReason::None);
  CHECK(reason("asm_goto") == PinReason::AsmGoto);
  CHECK(reason("big") == PinReason::ResultInMemory);
  CHECK(reason("context") == PinReason::ArgumentKind);
  CHECK(reason("odd") == PinReason::CallingConvention);
  CHECK(reason("calls_odd") == PinReason::CallingConvention);
  for (const char *name : {"cold", "calls_cold", "keeps", "calls_keeping"}) {
    INFO(name);
    CHECK(reason(name) == PinReason::CallingConvention);
  }
  CHECK(reason("fast") == PinReason::None);
  for (const char *name : {"aligned", "aligned_objects", "gets_wide", "passes_wide"}) {
    INFO(name);
    CHECK(reason(name) == PinReason::RealignedFrame);
  }
  CHECK(reason("passes_narrow") == PinReason::None); // in pieces of 16 bytes
  CHECK_FALSE(program.module->getFunction("gets_wide")->hasFnAttribute("no-realign-stack"));
  CHECK_FALSE(program.module->getFunction("aligned")->hasFnAttribute("no-realign-stack"));
  // Objects that are aligned by hand stand in front of what aligns them: counting code splits the block behind them.
  CHECK(has_gathered_objects(*program.module->getFunction("aligned_objects")));
  CHECK(std::string(to_string(PinReason::Naked)) == "is naked");

  Function &jumps = *program.module->getFunction("jumps");
  REQUIRE(calls_of(jumps, "osr.buffers.restore").size() == 1);
  CHECK(calls_of(jumps, "setjmp")[0]->getNextNode()->getNextNode() == calls_of(jumps, "osr.buffers.restore")[0]);
  CHECK(calls_of(*program.module->getFunction("catches"), "osr.buffers.restore").empty());
}

TEST_CASE("every definition has an id that its clones keep", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @outside()
    define void @a() { ret void }
    define void @b() naked { unreachable })");
  REQUIRE(program.functions.size() == 2);
  CHECK(program.find_function("outside") == nullptr);
  CHECK(program.find_function("nothing") == nullptr);
  for (FunctionId id = 0; id < 2; ++id) {
    CHECK(program.functions[id].id == id);
    CHECK(&program.info_of(*program.module->getFunction(program.functions[id].name)) == &program.functions[id]);
  }
}
