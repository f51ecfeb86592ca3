// Damages baseline code in every way that would make a record incomplete, and checks that its site gets no certificate.
#include "sites_fixture.h"

#include "compiler/canonical/object_stack.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/codegen/target.h"
#include "compiler/tiers/baseline.h"
#include "test/support/catch_header.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *text = R"(
  declare i64 @ext(i64)
  define i64 @f(i64 %x, ptr %p) {
    %v = load volatile i64, ptr %p
    %a = call i64 @ext(i64 1)
    %b = call i64 @ext(i64 2)
    %c = call i64 @ext(i64 3)
    %d = add i64 %a, %b
    %e = add i64 %d, %c
    %g = add i64 %e, %v
    %h = mul i64 %g, %x
    store volatile i64 %h, ptr %p
    ret i64 %h
  })";

/// The function in baseline form, to be damaged before it goes through the code generator.
class Baseline {
public:
  Baseline() : program_(text), function_(program_.function("f")) {
    records_ = lower_to_baseline(function_, program_.program());
    lower_object_stack(program_.module(), 0);
  }

  Function &function() { return function_; }
  Module &module() { return program_.module(); }
  LLVMContext &context() { return program_.context(); }

  CallInst &map(unsigned index) {
    for (IntrinsicInst *intrinsic : all<IntrinsicInst>(function_))
      if (intrinsic->getIntrinsicID() == Intrinsic::experimental_stackmap &&
          cast<ConstantInt>(intrinsic->getArgOperand(0))->getZExtValue() == index)
        return *intrinsic;
    FAIL("no stack map " << index);
    std::abort();
  }
  CallBase &call(unsigned index) { return *calls_of(function_, "ext").at(index); }
  ReturnInst &end() { return *all<ReturnInst>(function_).at(0); }

  /// The slot of the value called `name`.
  AllocaInst &slot(const std::string &name) {
    for (AllocaInst *slot : all<AllocaInst>(function_))
      if (slot->getName() == name + ".slot")
        return *slot;
    FAIL("no slot of " << name);
    std::abort();
  }

  /// Replaces map `index` by one with these operands.
  void set_operands(unsigned index, const std::vector<Value *> &operands) {
    CallInst &old = map(index);
    IRBuilder<> builder(&old);
    std::vector<Value *> arguments{old.getArgOperand(0), old.getArgOperand(1)};
    arguments.insert(arguments.end(), operands.begin(), operands.end());
    builder.CreateIntrinsic(Intrinsic::experimental_stackmap, {}, arguments);
    old.eraseFromParent();
  }
  std::vector<Value *> operands(unsigned index) {
    CallInst &found = map(index);
    return {found.arg_begin() + 2, found.arg_end()};
  }

  CodegenReport emit(CodegenLevel level = CodegenLevel::Fast) {
    require_valid(module());
    auto machine = cantFail(create_target_machine(level));
    CodegenReport report;
    cantFail(emit_object(module(), *machine, MachinePasses::Certify, report));
    CHECK(report.anchored.size() == 3);
    return report;
  }

private:
  NumberedProgram program_;
  Function &function_;
  std::vector<LoweredRecord> records_;
};

using Reasons = std::map<std::uint32_t, std::string>;

} // namespace

TEST_CASE("Check that undamaged baseline code has a certificate for each site", "[certificate]") {
  Baseline code;
  CHECK(code.emit().not_certified.empty());
}

TEST_CASE("Check that a value kept in an SSA register across a call is found", "[certificate]") {
  Baseline code;
  // As DemotePHIToStack does: one load before the call serves a use behind it.
  IRBuilder<> before(&code.call(1));
  Value *kept = before.CreateLoad(before.getInt64Ty(), &code.slot("x"), /*isVolatile=*/true);
  IRBuilder<> after(&code.end());
  after.CreateStore(kept, &code.slot("x"), /*isVolatile=*/true);
  // It crosses the second and the third call, not the first.
  CHECK(code.emit().not_certified == Reasons{{1, "an unrecorded spill slot of 8 bytes is live"},
                                             {2, "an unrecorded spill slot of 8 bytes is live"}});
}

TEST_CASE("Check that a value in a callee-saved register across a call is found", "[certificate]") {
  Baseline code;
  IRBuilder<> before(&code.call(2));
  Value *kept = before.CreateLoad(before.getInt64Ty(), &code.slot("x"), /*isVolatile=*/true);
  IRBuilder<> after(&code.end());
  after.CreateStore(kept, &code.slot("x"), /*isVolatile=*/true);
  Reasons reasons = code.emit(CodegenLevel::Optimizing).not_certified; // -O0 would spill it
  REQUIRE(reasons.contains(2));
  CHECK(reasons[2].starts_with("register R"));
  CHECK(reasons[2].ends_with(" is live"));
}

TEST_CASE("Check that a slot which the record does not name is found", "[certificate]") {
  Baseline code;
  std::vector<Value *> operands = code.operands(1);
  std::vector<Value *> damaged;
  for (Value *operand : operands)
    if (operand != &code.slot("v"))
      damaged.push_back(operand);
  REQUIRE(damaged.size() + 1 == operands.size());
  code.set_operands(1, damaged);
  CHECK(code.emit().not_certified == Reasons{{1, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that another slot in place of the right one is found", "[certificate]") {
  Baseline code;
  std::vector<Value *> operands = code.operands(2);
  for (Value *&operand : operands)
    if (operand == &code.slot("a"))
      operand = &code.slot("v");
  code.set_operands(2, operands);
  CHECK(code.emit().not_certified == Reasons{{2, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that an object of the frame with contents of its own is found", "[certificate]") {
  Baseline code;
  IRBuilder<> entry(&code.function().getEntryBlock(), code.function().getEntryBlock().begin());
  AllocaInst *object = entry.CreateAlloca(entry.getInt64Ty());
  IRBuilder<> before(&code.call(0));
  before.CreateStore(before.getInt64(5), object);
  IRBuilder<> between(&code.call(1));
  Value *read = between.CreateLoad(between.getInt64Ty(), object);
  between.CreateStore(read, &code.slot("x"));
  CHECK(code.emit().not_certified == Reasons{{0, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that an object whose half is read later is found, and one written before it is read is none",
          "[certificate]") {
  for (bool written : {false, true}) {
    Baseline code;
    IRBuilder<> entry(&code.function().getEntryBlock(), code.function().getEntryBlock().begin());
    AllocaInst *object = entry.CreateAlloca(entry.getInt64Ty());
    IRBuilder<> before(&code.call(1));
    before.CreateStore(before.getInt64(5), object);
    IRBuilder<> after(&code.end());
    Value *upper = after.CreateConstGEP1_32(after.getInt32Ty(), object, 1);
    if (written)
      after.CreateStore(after.getInt32(1), upper);
    Value *half = after.CreateLoad(after.getInt32Ty(), upper, /*isVolatile=*/true);
    after.CreateStore(after.CreateZExt(half, after.getInt64Ty()), &code.slot("x"));
    Reasons reasons = code.emit().not_certified;
    if (written)
      CHECK(reasons.empty());
    else
      CHECK(reasons == Reasons{{1, "an unrecorded local object of 8 bytes is live"},
                               {2, "an unrecorded local object of 8 bytes is live"}});
  }
}

TEST_CASE("Check that an operand that is no slot is found", "[certificate]") {
  Baseline code;
  std::vector<Value *> operands = code.operands(0);
  operands.push_back(ConstantInt::get(Type::getInt64Ty(code.context()), 42));
  code.set_operands(0, operands);
  CHECK(code.emit().not_certified == Reasons{{0, "an operand is no frame slot"}});
}
