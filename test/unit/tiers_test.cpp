// Checks the baseline form, the lowering of optimised sites, and the extraction of single functions.
#include "generated_ir.h"
#include "sites_fixture.h"

#include "compiler/canonical/object_stack.h"
#include "compiler/sites/liveness.h"
#include "compiler/tiers/baseline.h"
#include "compiler/tiers/extract.h"
#include "compiler/tiers/lower_sites.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

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

CallInst *stack_map_behind(CallBase &call) {
  auto *next = dyn_cast_or_null<IntrinsicInst>(call.getNextNode());
  return next && next->getIntrinsicID() == Intrinsic::experimental_stackmap ? next : nullptr;
}

std::vector<CallInst *> stack_maps(Function &function) {
  std::vector<CallInst *> found;
  for (IntrinsicInst *intrinsic : all<IntrinsicInst>(function))
    if (intrinsic->getIntrinsicID() == Intrinsic::experimental_stackmap)
      found.push_back(intrinsic);
  return found;
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
  REQUIRE(records.size() == info.sites.size());
  CHECK(stack_maps(function).size() == info.sites.size());
  CHECK(calls_with_state(function).empty());

  Liveness liveness(function, [](const Value &value) { return is_frame_state_value(value) && !isa<AllocaInst>(value); });
  for (CallBase *call : all<CallBase>(function)) {
    if (isa<IntrinsicInst>(call))
      continue;
    CallInst *map = stack_map_behind(*call);
    REQUIRE(map);
    CHECK(map->getNextNode()->isTerminator()); // the call ends its block
    CHECK(liveness.live_across(*call).empty()); // whatever is needed later is in a slot, and nowhere else
    const Site &site = info.sites[cast<ConstantInt>(map->getArgOperand(0))->getZExtValue()];
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
}

} // namespace

TEST_CASE("Check that baseline code keeps every value across a site in one slot, and one call per block", "[tiers]") {
  NumberedProgram program(loop_text);
  REQUIRE(program.info("f").sites.size() == 5);
  check_baseline(program, "f");
}

TEST_CASE("Check that baseline code of generated functions obeys the same rules", "[tiers]") {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed << "\n" << generate_ir(seed));
    NumberedProgram program(generate_ir(seed));
    REQUIRE_FALSE(program.info("generated").sites.empty());
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
  SiteForms forced;
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
    forced = {{0, SiteForm::Spilled}, {1, SiteForm::StackMap}};
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
    forced = {{0, SiteForm::Refused}};
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
  NumberedProgram first(loop_text), second(loop_text);
  first.optimize();
  second.optimize();
  LoweredSites plain = cantFail(lower_sites(first.function("f"), first.program(), {}));
  SiteForms forced;
  for (std::uint32_t number = 0; number < plain.forms.size(); number += 2)
    forced[number] = SiteForm::Spilled;
  LoweredSites other = cantFail(lower_sites(second.function("f"), second.program(), forced));
  REQUIRE(plain.records.size() == other.records.size());
  for (std::size_t i = 0; i < plain.records.size(); ++i) {
    REQUIRE(plain.records[i].frames.size() == other.records[i].frames.size());
    for (std::size_t j = 0; j < plain.records[i].frames.size(); ++j)
      CHECK(plain.records[i].frames[j].site == other.records[i].frames[j].site);
  }
}

TEST_CASE("Check that an extracted function refers to the program by name only", "[tiers]") {
  NumberedProgram program(R"(
    @table = constant [2 x i64] [i64 3, i64 4]
    @counter = global i64 0
    declare extern_weak void @maybe()
    define i64 @callee(i64 %x) noinline {
      %v = load i64, ptr @counter
      %r = add i64 %v, %x
      ret i64 %r
    }
    define i64 @f(i64 %x) {
      %weak = icmp ne ptr @maybe, null
      br i1 %weak, label %call, label %go
    call:
      call void @maybe()
      br label %go
    go:
      %slot = getelementptr [2 x i64], ptr @table, i64 0, i64 %x
      %v = load i64, ptr %slot
      %c = call i64 @callee(i64 %v)
      %r = call i64 @f(i64 %c)
      %s = add i64 %r, 1
      ret i64 %s
    })");
  auto extracted = [&](bool show) {
    Extractor extractor(program.module(), "part");
    if (show) {
      extractor.show_constants();
      extractor.show_callee(program.function("callee"));
    }
    Function &clone = extractor.clone(program.function("f"), "f$1");
    CHECK(clone.getName() == "f$1");
    CHECK(function_id(clone) == program.info("f").id);
    std::unique_ptr<Module> module = extractor.finish();
    require_valid(*module);
    return module;
  };
  std::unique_ptr<Module> hidden = extracted(false), shown = extracted(true);
  for (Module *module : {hidden.get(), shown.get()}) {
    Function &clone = *module->getFunction("f$1");
    CHECK(module->getFunction("f")->isDeclaration()); // the recursion goes through the stable entry
    CHECK(calls_of(clone, "f").size() == 1);
    CHECK(module->getFunction("maybe")->hasExternalWeakLinkage());
    CHECK_FALSE(module->getGlobalVariable("counter")->hasInitializer());
  }
  CHECK(hidden->getFunction("callee")->isDeclaration());
  CHECK_FALSE(hidden->getGlobalVariable("table")->hasInitializer());
  CHECK(shown->getFunction("callee")->hasAvailableExternallyLinkage());
  CHECK(shown->getGlobalVariable("table")->hasAvailableExternallyLinkage());
}

TEST_CASE("Check that constants which exist in the module only are copied with what they refer to", "[tiers]") {
  NumberedProgram program(R"(
    @values = constant [2 x i64] [i64 3, i64 4]
    define i64 @f(i64 %x) {
      %slot = getelementptr [2 x i64], ptr @values, i64 0, i64 %x
      %v = load i64, ptr %slot
      ret i64 %v
    })");
  GlobalVariable *values = program.module().getGlobalVariable("values");
  auto *pointers = new GlobalVariable(program.module(), values->getType(), true, GlobalValue::PrivateLinkage, values, "made");
  Function &function = program.function("f");
  IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().begin());
  builder.CreateLoad(builder.getPtrTy(), pointers, /*isVolatile=*/true);
  Extractor extractor(program.module(), "part");
  extractor.clone(function, "f$1");
  std::unique_ptr<Module> module = extractor.finish();
  require_valid(*module);
  GlobalVariable *copy = module->getGlobalVariable("made", true);
  REQUIRE(copy);
  CHECK(copy->hasPrivateLinkage());
  REQUIRE(copy->hasInitializer());
  CHECK(copy->getInitializer() == module->getGlobalVariable("values"));
}
