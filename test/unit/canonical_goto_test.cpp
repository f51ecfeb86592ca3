// Checks that computed goto becomes a switch, and how it becomes one again.
#include "canonical_fixture.h"

#include "compiler/canonical/computed_goto.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

namespace {

/// A computed goto, and a switch that was written as one.
constexpr const char *goto_and_switch = R"(
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
} // namespace

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
  auto module = fixture.parse(goto_and_switch);
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
