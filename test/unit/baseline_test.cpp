// Checks the baseline form: slots, blocks and stack maps.
#include "generated_ir.h"
#include "sites_fixture.h"

#include "compiler/canonical/objects.h"
#include "compiler/sites/liveness.h"
#include "compiler/tiers/baseline.h"
#include "compiler/tiers/lower_sites.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Support/raw_ostream.h>

#include <set>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *loop_text = R"(
  declare i64 @ext(i64)
  declare double @real(double)
  define i64 @f(i64 %n, i64 %step, double %d) {
  entry:
    %first = call i64 @ext(i64 %n)
    %big = icmp sgt i64 %first, %step
    br i1 %big, label %loop, label %skip
  skip:
    %other = xor i64 %first, %step
    br label %loop
  loop:
    %i = phi i64 [ 0, %entry ], [ 1, %skip ], [ %next, %latch ]
    %a = phi i64 [ %n, %entry ], [ %other, %skip ], [ %b, %latch ]
    %b = phi i64 [ %step, %entry ], [ %n, %skip ], [ %v, %latch ]
    %v = call i64 @ext(i64 %a)
    %odd = trunc i64 %v to i1
    br i1 %odd, label %more, label %latch
  more:
    %r = call double @real(double %d)
    br label %latch
  latch:
    %acc = phi double [ %d, %loop ], [ %r, %more ]
    %whole = fptosi double %acc to i64
    %w = call i64 @ext(i64 %whole)
    %next = add i64 %i, %w
    %again = icmp ult i64 %next, %n
    br i1 %again, label %loop, label %done
  done:
    %x = add i64 %a, %b
    %y = call i64 @ext(i64 %x)
    %z = add i64 %y, %v
    ret i64 %z
  })";

/// The map of `call`. Only the store of its result may stand between the two: anchoring puts the map in front of it.
CallInst *stack_map_behind(CallBase &call) {
  Instruction *behind = call.getNextNode();
  while (isa<StoreInst>(behind) && behind->getOperand(0) == &call)
    behind = behind->getNextNode();
  auto *next = dyn_cast<IntrinsicInst>(behind);
  return next && next->getIntrinsicID() == Intrinsic::experimental_stackmap ? next : nullptr;
}

std::string type_text(const Type &type) {
  std::string text;
  raw_string_ostream(text) << type;
  return text;
}

/// The rules of baseline code, checked with nothing of the code that makes it: record by record, value by value.
void check_baseline(NumberedProgram &program, StringRef name) {
  Function &function = program.function(name);
  const FunctionInfo &info = program.info(name);
  std::vector<LoweredRecord> records = lower_to_baseline(function, program.program());
  require_valid(program.module());
  REQUIRE(records.size() == info.sites().size());
  CHECK(stack_maps(function).size() == info.sites().size());
  CHECK(calls_with_state(function).empty());

  unsigned marked = 0;
  auto is_value = [](const Value &value) { return is_frame_state_value(value) && !isa<AllocaInst>(value); };
  Liveness liveness(function, is_value, [](Value &value) { return &value; });
  for (CallBase *call : all<CallBase>(function)) {
    if (!call->hasMetadata(record_mark))
      continue;
    CallInst *map = stack_map_behind(*call);
    REQUIRE(map);
    CHECK(map->getNextNode()->isTerminator()); // the call ends its block
    CHECK(liveness.live_across(*call).empty()); // whatever is needed later is in a slot, and nowhere else
    ++marked;
    const Site &site = info.sites()[cast<ConstantInt>(map->getArgOperand(0))->getZExtValue()];
    REQUIRE(map->arg_size() == 2 + site.state.size());
    const LoweredFrame &frame = records[site.id.index].frames.at(0);
    CHECK(frame.site == site.id);
    REQUIRE(frame.values.size() == site.state.size());
    std::set<Value *> slots;
    for (std::size_t i = 0; i < site.state.size(); ++i) {
      auto *slot = dyn_cast<AllocaInst>(map->getArgOperand(2 + frame.values[i].operand));
      REQUIRE(slot);
      CHECK(slot->getParent() == &function.getEntryBlock());
      CHECK(type_text(*slot->getAllocatedType()) == site.state[i].type);
      CHECK(frame.values[i].kind == LoweredValue::Kind::InMemory);
      CHECK(frame.values[i].size == site.state[i].size);
      CHECK(slots.insert(slot).second); // one slot per value
    }
  }
  CHECK(marked == info.sites().size());
}

} // namespace

TEST_CASE("Check that baseline code keeps every value across a site in one slot, and one call per block", "[tiers]") {
  NumberedProgram program(loop_text);
  REQUIRE(program.info("f").sites().size() == 5);
  check_baseline(program, "f");
}

TEST_CASE("Check that baseline code of generated functions obeys the same rules", "[tiers]") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed << "\n" << generate_ir(seed));
    NumberedProgram program(generate_ir(seed));
    REQUIRE_FALSE(program.info("generated").sites().empty());
    check_baseline(program, "generated");
  }
}

TEST_CASE("Check that phis that swap change at once in baseline code", "[tiers]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %p, i64 %q, i64 %n) {
    entry:
      br label %loop
    loop:
      %a = phi i64 [ %p, %entry ], [ %b, %loop ]
      %b = phi i64 [ %q, %entry ], [ %a, %loop ]
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      %v = call i64 @ext(i64 %i)
      %next = add i64 %i, %v
      %again = icmp ult i64 %next, %n
      br i1 %again, label %loop, label %done
    done:
      %shifted = shl i64 %a, 1
      %r = add i64 %shifted, %b
      ret i64 %r
    })");
  check_baseline(program, "f");
  // On the back edge both slots are read before either is written.
  Function &function = program.function("f");
  for (BasicBlock &block : function) {
    SmallPtrSet<Value *, 4> written;
    for (Instruction &instruction : block) {
      if (auto *store = dyn_cast<StoreInst>(&instruction); store && store->getParent() != &function.getEntryBlock())
        written.insert(store->getPointerOperand());
      if (auto *load = dyn_cast<LoadInst>(&instruction); load && load->hasOneUse())
        if (auto *store = dyn_cast<StoreInst>(load->user_back()); store && store->getParent() == &block)
          CHECK_FALSE(written.contains(load->getPointerOperand()));
    }
  }
}

TEST_CASE("Check that a phi without a slot gets what was in a slot before the phis of its block are stored",
          "[tiers]") {
  NumberedProgram program(R"(
    declare void @ext()
    define i64 @gcd(i64 %p, i64 %q) {
    entry:
      br label %loop
    loop:
      %a = phi i64 [ %p, %entry ], [ %b, %more ]
      %b = phi i64 [ %q, %entry ], [ %r, %more ]
      %is_end = icmp eq i64 %b, 0
      br i1 %is_end, label %end, label %more
    more:
      %r = urem i64 %a, %b
      call void @ext()
      br label %loop
    end:
      ret i64 %a
    })");
  check_baseline(program, "gcd");
  // What becomes of %a on the back edge is loaded before the slot of %b is written.
  unsigned phis = 0;
  for (PHINode *phi : all<PHINode>(program.function("gcd"))) {
    ++phis;
    for (Value *incoming : phi->incoming_values()) {
      auto *load = dyn_cast<LoadInst>(incoming);
      for (Instruction *before = load ? load->getPrevNode() : nullptr; before; before = before->getPrevNode())
        if (auto *store = dyn_cast<StoreInst>(before))
          CHECK(store->getPointerOperand() != load->getPointerOperand());
    }
  }
  CHECK(phis == 1);
}

TEST_CASE("Check that objects are computed from their frame again after each site of baseline code", "[tiers]") {
  NumberedProgram program(R"(
    declare void @use(ptr)
    define i32 @f(i32 %x) {
      %object = alloca [4 x i32]
      %second = getelementptr i32, ptr %object, i64 1
      store i32 %x, ptr %second
      call void @use(ptr %object)
      call void @use(ptr %second)
      %r = load i32, ptr %second
      ret i32 %r
    })");
  check_baseline(program, "f");
  for (CallInst *call : all<CallInst>(program.function("f")))
    CHECK_FALSE(is_object_address(call));
}
