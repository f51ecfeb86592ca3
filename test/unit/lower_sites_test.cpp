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

namespace {

std::vector<CallInst *> stack_maps(Function &function) {
  std::vector<CallInst *> found;
  for (IntrinsicInst *intrinsic : all<IntrinsicInst>(function))
    if (intrinsic->getIntrinsicID() == Intrinsic::experimental_stackmap)
      found.push_back(intrinsic);
  return found;
}

} // namespace

TEST_CASE("Check that each site of optimised code gets the form that fits it", "[tiers]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %x, i1 %bit, i128 %wide) {
      %a = call i64 @ext(i64 %x)
      %w = trunc i128 %wide to i64
      %b = zext i1 %bit to i64
      %c = add i64 %w, %b
      %d = add i64 %c, %a
      %last = tail call i64 @ext(i64 %d)
      ret i64 %last
    })");
  Function &function = program.function("f");
  ForcedForms forced;
  LoweredSites lowered;
  auto lower = [&] {
    lowered = cantFail(lower_sites(function, program.program(), forced));
    require_valid(program.module());
    CHECK(calls_with_state(function).empty());
  };
  SECTION("by themselves") {
    lower();
    CHECK(lowered.forms == std::vector{SiteForm::StackMap, SiteForm::TailCall});
    CHECK(lowered.records.at(1).frames.empty());
    std::vector<CallInst *> maps = stack_maps(function);
    REQUIRE(maps.size() == 1);
    // Bits are recorded as bytes; what no operand can carry waits in a slot.
    const LoweredFrame &frame = lowered.records[0].frames.at(0);
    REQUIRE(frame.values.size() == 2);
    CHECK(frame.values[0].kind == LoweredValue::Kind::Operand);
    CHECK(maps[0]->getArgOperand(2 + frame.values[0].operand)->getType()->isIntegerTy(8));
    CHECK(frame.values[1].kind == LoweredValue::Kind::InMemory);
    CHECK(isa<AllocaInst>(maps[0]->getArgOperand(2 + frame.values[1].operand)));
    CHECK(calls_of(function, "ext").at(1)->isTailCall());
  }
  SECTION("forced to slots") {
    forced.sites = {{0, SiteForm::Spilled}, {1, SiteForm::StackMap}};
    lower();
    CHECK(lowered.forms == std::vector{SiteForm::Spilled, SiteForm::StackMap});
    std::vector<CallInst *> maps = stack_maps(function);
    REQUIRE(maps.size() == 2);
    for (unsigned i = 2; i < maps[0]->arg_size(); ++i)
      CHECK(isa<AllocaInst>(maps[0]->getArgOperand(i)));
    CHECK(lowered.records.at(1).frames.size() == 1);
    CHECK_FALSE(calls_of(function, "ext").at(1)->isTailCall());
  }
  SECTION("forced to have no record") {
    forced.sites = {{0, SiteForm::Refused}};
    lower();
    CHECK(stack_maps(function).empty());
    CHECK(lowered.records.at(0).frames.empty());
    CHECK_FALSE(calls_of(function, "ext").at(0)->hasMetadata(record_mark));
  }
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
