// Checks the counting code that goes into the baseline tier.
#include "sites_fixture.h"

#include "compiler/sites/loop_polls.h"
#include "compiler/tiers/count_heat.h"
#include "test/support/catch_header.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *loops_and_calls = R"(
  declare i64 @ext(i64)
  @osr-poll-word = external addrspace(257) global i32
  declare void @osr-loop-poll()

  define i64 @straight(i64 %n) {
    ret i64 %n
  }
  define i64 @loops(i64 %n) {
  entry:
    br label %outer
  outer:
    %i = phi i64 [ 0, %entry ], [ %inext, %latch ]
    br label %inner
  inner:
    %j = phi i64 [ %i, %outer ], [ %jnext, %inner ]
    %jnext = call i64 @ext(i64 %j)
    %more = icmp ne i64 %jnext, 0
    br i1 %more, label %inner, label %latch
  latch:
    %inext = add i64 %i, 1
    %again = icmp ult i64 %inext, %n
    br i1 %again, label %outer, label %done
  done:
    ret i64 %inext
  }
  define i64 @polls(ptr %p) {
  entry:
    br label %loop
  loop:
    %i = phi i64 [ 0, %entry ], [ %inext, %latch ]
    %inext = add i64 %i, 1
    %poll = load volatile i32, ptr addrspace(257) @osr-poll-word, align 4
    %wanted = icmp ne i32 %poll, 0
    br i1 %wanted, label %called, label %latch
  latch:
    %x = load volatile i64, ptr %p
    %go = icmp ne i64 %x, 0
    br i1 %go, label %loop, label %done
  called:
    call void @osr-loop-poll()
    br label %latch
  done:
    ret i64 %i
  }
  define i64 @inner_polls(ptr %p) {
  entry:
    br label %outer
  outer:
    %i = phi i64 [ 0, %entry ], [ %inext, %latch ]
    %inext = add i64 %i, 1
    br label %inner
  inner:
    %poll = load volatile i32, ptr addrspace(257) @osr-poll-word, align 4
    %wanted = icmp ne i32 %poll, 0
    br i1 %wanted, label %called, label %latch
  latch:
    %go = icmp ult i64 %inext, 9
    br i1 %go, label %outer, label %done
  called:
    call void @osr-loop-poll()
    br label %inner
  done:
    ret i64 %i
  })";

/// For each call that says that the counter ran out: was it in a loop?
std::vector<bool> reports(Function &function) {
  std::vector<bool> found;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallInst>(&instruction);
        call && call->getCalledFunction() && call->getCalledFunction()->getName() == heat_callee)
      found.push_back(!cast<ConstantInt>(call->getArgOperand(1))->isZero());
  return found;
}

/// What is taken from the counter at each place, in the order of the blocks.
std::vector<std::uint64_t> amounts(Function &function) {
  std::vector<std::uint64_t> found;
  for (Instruction &instruction : instructions(function))
    if (instruction.getOpcode() == Instruction::Sub)
      found.push_back(cast<ConstantInt>(instruction.getOperand(1))->getZExtValue());
  return found;
}

} // namespace

TEST_CASE("Entries and each loop count and report, a loop that polls by its poll") {
  NumberedProgram numbered(loops_and_calls);
  HeatCounter counter;
  for (const char *name : {"straight", "loops", "polls"})
    count_heat(numbered.function(name), counter);
  require_valid(numbered.module());
  CHECK(reports(numbered.function("straight")) == std::vector<bool>{false});
  CHECK(reports(numbered.function("loops")) == std::vector<bool>{true, true, false});
  CHECK(reports(numbered.function("polls")) == std::vector<bool>{false});

  // What the poll branches on is the word or the sign of the counter.
  unsigned polls = 0;
  for (Instruction &instruction : instructions(numbered.function("polls")))
    if (auto *load = dyn_cast<LoadInst>(&instruction); load && is_poll_word(*load->getPointerOperand())) {
      ++polls;
      REQUIRE(load->hasOneUse());
      auto *either = cast<BinaryOperator>(load->user_back());
      CHECK(either->getOpcode() == Instruction::Or);
      CHECK(isa<ICmpInst>(either->user_back()));
    }
  CHECK(polls == 1);
}

TEST_CASE("Counting leaves the calls with sites as they are") {
  NumberedProgram numbered(loops_and_calls);
  HeatCounter counter;
  const auto before = calls_with_state(numbered.function("loops")).size();
  REQUIRE(before == 1);
  count_heat(numbered.function("loops"), counter);
  CHECK(calls_with_state(numbered.function("loops")).size() == before);
}

TEST_CASE("What counts work counts each instruction at the nearest place") {
  NumberedProgram numbered(loops_and_calls);
  HeatCounter rounds, work;
  work.counts_work = true;
  for (const char *name : {"straight", "loops", "polls", "inner_polls"})
    count_heat(numbered.function(name), work);
  CHECK(amounts(numbered.function("straight")) == std::vector<std::uint64_t>{1});
  CHECK(amounts(numbered.function("loops")) == std::vector<std::uint64_t>{2, 4, 5}); // beginning and end, inner, outer
  CHECK(amounts(numbered.function("polls")) == std::vector<std::uint64_t>{2, 10});
  CHECK(amounts(numbered.function("inner_polls")) == std::vector<std::uint64_t>{2, 10}); // for the loop around it too

  NumberedProgram again(loops_and_calls);
  count_heat(again.function("loops"), rounds);
  CHECK(amounts(again.function("loops")) == std::vector<std::uint64_t>{1, 1, 1});
}
