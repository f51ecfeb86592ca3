// Checks functions that are cut at a site: the buffer they start from, and that what they compute is defined.
#include "generated_ir.h"
#include "sites_fixture.h"

#include "compiler/canonical/objects.h"
#include "compiler/tiers/continuation.h"
#include "compiler/tiers/extract.h"
#include "osr-stubs/result_area.h"
#include "test/support/catch_header.h"

#include <llvm/ADT/DepthFirstIterator.h>
#include <llvm/Analysis/CycleAnalysis.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/Instructions.h>

#include <map>
#include <set>

using namespace llvm;
using namespace osr;

namespace {

Function &cut_at(Function &function, const Site &site, LoopsAround loops = LoopsAround::Peel) {
  Function &continuation = make_continuation(function, site);
  begin_at_entry(continuation, loops);
  return continuation;
}

void check_buffer(const Site &site) {
  StateBufferLayout layout = state_buffer_layout(site);
  REQUIRE(layout.offsets.size() == site.state.size());
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < site.state.size(); ++i) {
    CHECK(layout.offsets[i] >= end); // no overlap
    CHECK(layout.offsets[i] % site.state[i].align == 0);
    end = layout.offsets[i] + site.state[i].size;
  }
  CHECK(layout.result_area_offset >= end);
  CHECK(layout.result_area_offset % 16 == 0);
  CHECK(layout.size >= layout.result_area_offset + result_area_size(site.result));
  CHECK(layout.size % 16 == 0);
  CHECK(layout.size > 0);
}

std::multiset<std::uint64_t> sites_in(Function &function) {
  std::multiset<std::uint64_t> sites;
  for (const CallBase *call : calls_with_state(function))
    sites.insert(cast<ConstantInt>(call->getOperandBundle(LLVMContext::OB_deopt)->Inputs[0])->getZExtValue());
  return sites;
}

bool has_irreducible_cycle(Function &function) {
  CycleInfo cycles;
  cycles.compute(function);
  return any_of(cycles.toplevel_cycles(), [](const Cycle *top) {
    return any_of(depth_first(top), [](const Cycle *cycle) { return !cycle->isReducible(); });
  });
}

/// Cuts `name` at every site. What is not in the frame state is poison afterwards: none may be left in use.
void check_all_cuts(NumberedProgram &program, StringRef name, LoopsAround loops) {
  const FunctionInfo &info = program.info(name);
  for (const Site &site : info.sites) {
    INFO("cut at site " << site.id.index);
    check_buffer(site);
    Extractor extractor(program.module(), "part");
    Function &clone = extractor.clone(program.function(name), "cut");
    const std::multiset<std::uint64_t> sites_before = sites_in(clone);
    Function &continuation = cut_at(clone, site, loops);
    std::unique_ptr<Module> module = extractor.finish();
    INFO(print(*module));
    require_valid(*module);
    CHECK(continuation.getName() == "cut");
    CHECK(function_id(continuation) == info.id);
    REQUIRE(continuation.arg_size() == 1);
    CHECK(continuation.getReturnType() == program.function(name).getReturnType());
    for (std::uint64_t left : sites_in(continuation))
      CHECK(sites_before.contains(left));
    if (loops == LoopsAround::Peel)
      CHECK_FALSE(has_irreducible_cycle(continuation));
    else
      CHECK(sites_in(continuation).size() <= sites_before.size());
    for (Instruction *instruction : all<Instruction>(continuation))
      for (Value *operand : instruction->operands())
        CHECK_FALSE(isa<UndefValue>(operand));

    // All of the buffer is read before it is popped, and nothing else precedes the pop.
    unsigned loads = 0;
    bool popped = false;
    for (Instruction &instruction : continuation.getEntryBlock()) {
      if (auto *load = dyn_cast<LoadInst>(&instruction)) {
        CHECK_FALSE(popped);
        CHECK(load->isVolatile());
        ++loads;
      }
      if (auto *call = dyn_cast<CallBase>(&instruction);
          call && call->getCalledFunction() && call->getCalledFunction()->getName() == buffers_restore)
        popped = true;
    }
    CHECK(popped);
    // The result is loaded too, unless a pad does it.
    const char *pad = result_pad(site.result).symbol;
    const std::size_t pads = pad ? calls_of(continuation, pad).size() : 0;
    CHECK(loads + pads == site.state.size() + (site.result_used ? 1 : 0));
  }
}

} // namespace

TEST_CASE("Check that a function with loops and phis can be cut at each of its sites", "[continuation]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %n, i64 %step) {
    entry:
      %first = call i64 @ext(i64 %n)
      %big = icmp sgt i64 %first, %step
      br i1 %big, label %outer, label %skip
    skip:
      %other = call i64 @ext(i64 %step)
      br label %outer
    outer:
      %i = phi i64 [ 0, %entry ], [ %other, %skip ], [ %i.next, %outer.latch ]
      %sum = phi i64 [ %n, %entry ], [ %first, %skip ], [ %inner.sum, %outer.latch ]
      br label %inner
    inner:
      %j = phi i64 [ %i, %outer ], [ %j.next, %inner ]
      %inner.sum = phi i64 [ %sum, %outer ], [ %more, %inner ]
      %v = call i64 @ext(i64 %inner.sum)
      %w = call i64 @ext(i64 %j)
      %more = add i64 %v, %w
      %j.next = add i64 %j, 1
      %inner.again = icmp slt i64 %j.next, %n
      br i1 %inner.again, label %inner, label %outer.latch
    outer.latch:
      %u = call i64 @ext(i64 %more)
      %i.next = add i64 %i, %step
      %again = icmp slt i64 %i.next, %u
      br i1 %again, label %outer, label %done
    done:
      %r = call i64 @ext(i64 %inner.sum)
      %s = add i64 %r, %v
      ret i64 %s
    })");
  REQUIRE(program.info("f").sites.size() == 6);
  for (LoopsAround loops : {LoopsAround::Peel, LoopsAround::Keep})
    check_all_cuts(program, "f", loops);
}

TEST_CASE("Check that generated functions can be cut at each of their sites", "[continuation]") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    NumberedProgram program(generate_ir(seed));
    for (LoopsAround loops : {LoopsAround::Peel, LoopsAround::Keep})
      check_all_cuts(program, "generated", loops);
  }
}

TEST_CASE("Check that a continuation begins outside of all loops, wherever in them it was cut", "[continuation]") {
  NumberedProgram program(R"(
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
    })");
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
