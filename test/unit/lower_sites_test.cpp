// Checks how the sites of optimised code are lowered.
#include "generated_ir.h"
#include "sites_fixture.h"

#include "compiler/tiers/lower_sites.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;
using namespace osr;

TEST_CASE("Check that a site across which stores may have moved is refused, with the reason", "[tiers]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %x, i64 %y) {
      %a = call i64 @ext(i64 %x)
      %b = call i64 @ext(i64 %a)
      %c = add i64 %b, %y
      ret i64 %c
    })");
  program.call("f", 0).setMemoryEffects(MemoryEffects::argMemOnly(ModRefInfo::Ref)); // as if the optimiser had done so
  const LoweredSites lowered = cantFail(lower_sites(program.function("f"), program.program(), {}));
  require_valid(program.module());
  CHECK(lowered.forms == std::vector{SiteForm::Refused, SiteForm::StackMap});
  REQUIRE(lowered.hidden.size() == 1);
  CHECK(lowered.hidden.begin()->first == 0);
  CHECK(lowered.hidden.begin()->second.find("only some memory") != std::string::npos);
}

namespace {

/// A call that others follow, and one at the end.
struct TwoCalls {
  NumberedProgram program{R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %x, i1 %bit, i128 %wide) {
      %a = call i64 @ext(i64 %x)
      %w = trunc i128 %wide to i64
      %b = zext i1 %bit to i64
      %c = add i64 %w, %b
      %d = add i64 %c, %a
      %last = tail call i64 @ext(i64 %d)
      ret i64 %last
    })"};
  Function &function = program.function("f");
  ForcedForms forced;
  LoweredSites lowered;

  void lower() {
    lowered = cantFail(lower_sites(function, program.program(), forced));
    require_valid(program.module());
    CHECK(calls_with_state(function).empty());
  }
};

} // namespace

TEST_CASE("Check that each site of optimised code gets the form that fits it", "[tiers]") {
  TwoCalls code;
  code.lower();
  CHECK(code.lowered.forms == std::vector{SiteForm::StackMap, SiteForm::TailCall});
  CHECK(code.lowered.records.at(1).frames.empty());
  std::vector<CallInst *> maps = stack_maps(code.function);
  REQUIRE(maps.size() == 1);
  // Bits are recorded as bytes; what no operand can carry waits in a slot.
  const LoweredFrame &frame = code.lowered.records[0].frames.at(0);
  REQUIRE(frame.values.size() == 2);
  CHECK(frame.values[0].kind == LoweredValue::Kind::Operand);
  CHECK(maps[0]->getArgOperand(2 + frame.values[0].operand)->getType()->isIntegerTy(8));
  CHECK(frame.values[1].kind == LoweredValue::Kind::InMemory);
  CHECK(isa<AllocaInst>(maps[0]->getArgOperand(2 + frame.values[1].operand)));
  CHECK(calls_of(code.function, "ext").at(1)->isTailCall());
}

TEST_CASE("Check that sites of optimised code are forced to slots", "[tiers]") {
  TwoCalls code;
  code.forced.sites = {{0, SiteForm::Spilled}, {1, SiteForm::StackMap}};
  code.lower();
  CHECK(code.lowered.forms == std::vector{SiteForm::Spilled, SiteForm::StackMap});
  std::vector<CallInst *> maps = stack_maps(code.function);
  REQUIRE(maps.size() == 2);
  for (unsigned i = 2; i < maps[0]->arg_size(); ++i)
    CHECK(isa<AllocaInst>(maps[0]->getArgOperand(i)));
  CHECK(code.lowered.records.at(1).frames.size() == 1);
  CHECK_FALSE(calls_of(code.function, "ext").at(1)->isTailCall());
}

TEST_CASE("Check that a site of optimised code is forced to have no record", "[tiers]") {
  TwoCalls code;
  code.forced.sites = {{0, SiteForm::Refused}};
  code.lower();
  CHECK(stack_maps(code.function).empty());
  CHECK(code.lowered.records.at(0).frames.empty());
  CHECK_FALSE(calls_of(code.function, "ext").at(0)->hasMetadata(record_mark));
}

TEST_CASE("Check that tail calls stay tail calls where their path joins others just to return", "[tiers]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    declare void @done(i64)
    define i64 @f(i64 %x, i1 %one, i1 %other) {
      br i1 %one, label %first, label %rest
    first:
      %a = tail call i64 @ext(i64 %x)
      br label %end
    rest:
      br i1 %other, label %second, label %third
    second:
      %b = tail call i64 @ext(i64 1)
      br label %end
    third:
      %c = call i64 @ext(i64 2)
      br label %end
    end:
      %r = phi i64 [ %a, %first ], [ %b, %second ], [ %c, %third ]
      ret i64 %r
    }
    define void @g(i64 %x, i1 %one) {
      br i1 %one, label %first, label %second
    first:
      tail call void @done(i64 %x)
      br label %end
    second:
      tail call void @done(i64 1)
      br label %end
    end:
      ret void
    })");
  auto forms_of = [&](const char *name) {
    LoweredSites lowered = cantFail(lower_sites(program.function(name), program.program(), {}));
    require_valid(program.module());
    return lowered.forms;
  };
  CHECK(forms_of("f") == std::vector{SiteForm::TailCall, SiteForm::TailCall, SiteForm::StackMap});
  CHECK(forms_of("g") == std::vector{SiteForm::TailCall, SiteForm::TailCall});
}

TEST_CASE("Check that values are stored to their slots where that happens least", "[tiers]") {
  // What the first loop computes is stored behind it, and not in the second one, which needs it too.
  NumberedProgram program(R"(
    declare void @ext()
    define <2 x i64> @f(i64 %n, <2 x i64> %step) {
    entry:
      %given = add <2 x i64> %step, %step
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      %sum = phi <2 x i64> [ zeroinitializer, %entry ], [ %more, %loop ]
      %more = add <2 x i64> %sum, %given
      %next = add i64 %i, 1
      %ends = icmp eq i64 %next, %n
      br i1 %ends, label %between, label %loop
    between:
      call void @ext()
      br label %calls
    calls:
      %j = phi i64 [ 0, %between ], [ %after, %calls ]
      call void @ext()
      %after = add i64 %j, 1
      %stops = icmp eq i64 %after, %n
      br i1 %stops, label %end, label %calls
    end:
      %r = add <2 x i64> %more, %given
      ret <2 x i64> %r
    })");
  Function &function = program.function("f");
  LoweredSites lowered = cantFail(lower_sites(function, program.program(), {}));
  require_valid(program.module());
  std::map<std::string, std::vector<std::string>> stores; // blocks by value
  for (StoreInst *store : all<StoreInst>(function))
    stores[store->getValueOperand()->getName().str()].push_back(store->getParent()->getName().str());
  CHECK(stores.at("more") == std::vector<std::string>{"between"});
  CHECK(stores.at("given") == std::vector<std::string>{"entry"});
}

TEST_CASE("Check that a call whose result became another one gets no record", "[tiers]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    declare i32 @other(i64)
    define i64 @f(i64 %x) {
      %a = call i64 @ext(i64 %x)
      %b = add i64 %a, %x
      ret i64 %b
    })");
  CallBase &call = program.call("f", 0);
  IRBuilder<> builder(&call);
  std::vector<Value *> state = bundle_operands(call);
  Value *replaced = builder.CreateCall(program.module().getFunction("other"), {call.getArgOperand(0)},
                                       {OperandBundleDef("deopt", state)});
  call.replaceAllUsesWith(builder.CreateZExt(replaced, builder.getInt64Ty()));
  call.eraseFromParent();
  LoweredSites lowered = cantFail(lower_sites(program.function("f"), program.program(), {}));
  CHECK(lowered.forms == std::vector{SiteForm::Refused});
}

TEST_CASE("Check that sites inlined into a pinned function get no record: they lack its frame", "[tiers]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    declare ptr @llvm.returnaddress(i32)
    define i64 @callee(i64 %x) {
      %a = call i64 @ext(i64 %x)
      %b = add i64 %a, %x
      ret i64 %b
    }
    define i64 @pinned(i64 %x) {
      %address = call ptr @llvm.returnaddress(i32 0)
      %number = ptrtoint ptr %address to i64
      %a = call i64 @callee(i64 %x)
      %b = add i64 %a, %number
      ret i64 %b
    })");
  REQUIRE(program.info("pinned").pinned == PinReason::FrameAddress);
  program.optimize();
  Function &pinned = program.function("pinned");
  REQUIRE(calls_of(pinned, "callee").empty());
  REQUIRE(calls_with_state(pinned).size() == 1); // brought along by the inliner, of the callee's frame alone
  LoweredSites lowered = cantFail(lower_sites(pinned, program.program(), {}));
  CHECK(lowered.forms == std::vector{SiteForm::Refused});
  CHECK(stack_maps(pinned).empty());
}

TEST_CASE("Check that lowering twice with other forms numbers the same calls alike", "[tiers]") {
  NumberedProgram first(generate_ir(7)), second(generate_ir(7));
  first.optimize();
  second.optimize();
  LoweredSites plain = cantFail(lower_sites(first.function("generated"), first.program(), {}));
  ForcedForms forced;
  for (std::uint32_t number = 0; number < plain.forms.size(); number += 2)
    forced.sites[number] = SiteForm::Spilled;
  LoweredSites other = cantFail(lower_sites(second.function("generated"), second.program(), forced));
  REQUIRE(plain.records.size() == other.records.size());
  for (std::size_t i = 0; i < plain.records.size(); ++i) {
    REQUIRE(plain.records[i].frames.size() == other.records[i].frames.size());
    for (std::size_t j = 0; j < plain.records[i].frames.size(); ++j)
      CHECK(plain.records[i].frames[j].site == other.records[i].frames[j].site);
  }
}
