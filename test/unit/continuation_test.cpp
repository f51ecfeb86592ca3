// Checks functions that are cut at a site: the buffer they start from, and that what they compute is defined.
#include "cut_function.h"
#include "generated_ir.h"

#include "compiler/canonical/objects.h"
#include "compiler/tiers/extract.h"
#include "osr-stubs/result_area.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

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

/// All of the buffer is read before it is popped, and nothing else precedes the pop.
void check_entry(Function &continuation, const Site &site) {
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

/// Cuts `name` at every site. What is not in the frame state is poison afterwards: none may be left in use.
void check_all_cuts(NumberedProgram &program, StringRef name, LoopsAround loops) {
  const FunctionInfo &info = program.info(name);
  for (const Site &site : info.sites()) {
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

    check_entry(continuation, site);
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
  REQUIRE(program.info("f").sites().size() == 6);
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
