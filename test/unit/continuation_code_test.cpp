// Checks what a continuation is made of: where it begins, what of the function it has, where it takes results from.
#include "cut_function.h"

#include "compiler/canonical/objects.h"
#include "compiler/tiers/extract.h"
#include "osr-stubs/result_area.h"
#include "test/support/catch_header.h"

#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

#include <map>

using namespace llvm;
using namespace osr;

namespace {

/// One in the other, with calls in front of the inner one, in it and behind it.
constexpr const char *two_loops = R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %n, i64 %m) {
    entry:
      br label %outer
    outer:
      %i = phi i64 [ 0, %entry ], [ %i.next, %outer.latch ]
      %sum = phi i64 [ %n, %entry ], [ %last, %outer.latch ]
      %a = call i64 @ext(i64 %i)
      br label %inner
    inner:
      %j = phi i64 [ %a, %outer ], [ %j.next, %inner ]
      %s = phi i64 [ %sum, %outer ], [ %t, %inner ]
      %b = call i64 @ext(i64 %j)
      %p = mul i64 %b, %i
      %t = add i64 %s, %p
      %j.next = add i64 %j, %m
      %more = icmp ult i64 %j.next, %n
      br i1 %more, label %inner, label %outer.latch
    outer.latch:
      %last = call i64 @ext(i64 %t)
      %i.next = add i64 %i, 1
      %again = icmp ult i64 %i.next, %n
      br i1 %again, label %outer, label %done
    done:
      %r = add i64 %last, %m
      ret i64 %r
    })";

} // namespace

TEST_CASE("Check that a continuation begins outside of all loops, wherever in them it was cut", "[continuation]") {
  NumberedProgram program(two_loops);
  // How often each call stands in the continuation: the rest of the first rounds, and the loops behind them.
  const std::vector<std::map<std::uint32_t, std::size_t>> expected = {
      {{0, 1}, {1, 2}, {2, 2}}, {{0, 1}, {1, 2}, {2, 2}}, {{0, 1}, {1, 1}, {2, 1}}};
  for (std::uint32_t index = 0; index < expected.size(); ++index) {
    Extractor extractor(program.module(), "part");
    Function &clone = extractor.clone(program.function("f"), "cut");
    Function &continuation = cut_at(clone, program.site("f", index));
    INFO("cut at " << index << "\n" << print(*continuation.getParent()));
    for (const auto &[site, count] : expected[index])
      CHECK(sites_in(continuation).count(program.site("f", site).id.packed()) == count);
    CHECK_FALSE(has_irreducible_cycle(continuation));
    DominatorTree dominators(continuation);
    CHECK(LoopInfo(dominators).getTopLevelLoops().size() == (index == 2 ? 1 : 2));
  }
}

TEST_CASE("Check that code before the cut goes, and stays where a loop leads back to it", "[continuation]") {
  NumberedProgram program(R"(
    declare void @before()
    declare void @within()
    declare void @after()
    define void @f(i64 %n) {
    entry:
      call void @before()
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      call void @within()
      %next = add i64 %i, 1
      %again = icmp ult i64 %next, %n
      br i1 %again, label %loop, label %done
    done:
      call void @after()
      ret void
    })");
  const std::vector<std::vector<std::string>> left = {{"within", "after"}, {"within", "after"}, {}};
  for (std::uint32_t index = 0; index < 3; ++index) {
    Extractor extractor(program.module(), "part");
    Function &clone = extractor.clone(program.function("f"), "cut");
    Function &continuation = cut_at(clone, program.site("f", index));
    std::vector<std::string> callees;
    for (CallBase *call : calls_with_state(continuation))
      callees.push_back(call->getCalledFunction()->getName().str());
    CHECK(callees == left[index]);
    CHECK(calls_of(continuation, "before").empty());
  }
}

TEST_CASE("Check that a continuation loads a scalar result from the result area", "[continuation]") {
  for (const auto &[type, register_offset] : {std::pair("i64", general_result_offset),
                                              {"i1", general_result_offset},
                                              {"ptr", general_result_offset},
                                              {"float", vector_result_offset},
                                              {"double", vector_result_offset}}) {
    const std::string text = type;
    NumberedProgram program("declare " + text + " @ext()\ndefine " + text + " @f() {\n  %a = call " + text +
                            " @ext()\n  ret " + text + " %a\n}");
    const Site &site = program.site("f", 0);
    Extractor extractor(program.module(), "part");
    Function &continuation = cut_at(extractor.clone(program.function("f"), "cut"), site);
    require_valid(*continuation.getParent());
    INFO(text);
    CHECK(calls_of(continuation, result_pad(site.result).symbol).empty());
    const auto *returned = cast<ReturnInst>(continuation.back().getTerminator())->getReturnValue();
    const auto *load = dyn_cast<LoadInst>(returned);
    REQUIRE(load);
    APInt offset(64, 0);
    CHECK(load->getPointerOperand()->stripAndAccumulateConstantOffsets(continuation.getDataLayout(), offset, true) ==
          continuation.getArg(0));
    CHECK(offset == state_buffer_layout(site).result_area_offset + register_offset);
  }
}

TEST_CASE("Check that a continuation takes other results from the pad and objects from their frame", "[continuation]") {
  NumberedProgram program(R"(
    declare { i64, i64 } @ext(ptr)
    define i64 @f(i64 %n) {
      %object = alloca [2 x i64]
      %second = getelementptr i64, ptr %object, i64 1
      store i64 %n, ptr %second
      %a = call { i64, i64 } @ext(ptr %object)
      %b = extractvalue { i64, i64 } %a, 1
      %v = load i64, ptr %second
      %r = add i64 %b, %v
      ret i64 %r
    })");
  const Site &site = program.site("f", 0);
  Extractor extractor(program.module(), "part");
  Function &clone = extractor.clone(program.function("f"), "cut");
  Function &continuation = cut_at(clone, site);
  require_valid(*continuation.getParent());
  std::vector<CallBase *> pads = calls_of(continuation, result_pad(site.result).symbol);
  REQUIRE(pads.size() == 1);
  CHECK(pads[0]->getType()->isStructTy());
  CHECK(cast<ConstantInt>(pads[0]->getArgOperand(1))->getZExtValue() == state_buffer_layout(site).result_area_offset);
  CHECK(calls_of(continuation, object_push).empty()); // other code has made room
  CHECK(calls_of(continuation, object_pop).size() == 1);
  for (CallBase *pop : calls_of(continuation, object_pop))
    CHECK(isa<LoadInst>(pop->getArgOperand(0)));
}

TEST_CASE("Check that facts about the whole function are not kept for its continuation", "[continuation]") {
  NumberedProgram program(R"(
    define i64 @g(i64 %x) noinline {
      ret i64 %x
    }
    define i64 @f(i64 %n) memory(none) nofree nosync willreturn {
      %a = call i64 @g(i64 %n)
      %r = add i64 %a, %n
      ret i64 %r
    })");
  Extractor extractor(program.module(), "part");
  Function &clone = extractor.clone(program.function("f"), "cut");
  Function &continuation = cut_at(clone, program.site("f", 0));
  CHECK_FALSE(continuation.doesNotAccessMemory());
  CHECK_FALSE(continuation.hasFnAttribute(Attribute::NoFree));
  CHECK_FALSE(continuation.hasFnAttribute(Attribute::NoSync));
}
