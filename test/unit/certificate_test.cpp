// Damages baseline code in every way that would make a record incomplete, and checks that its site gets no certificate.
#include "baseline_code.h"

using namespace llvm;
using namespace osr;

TEST_CASE("Check that a value kept in an SSA register across a call is found", "[certificate]") {
  BaselineCode code;
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
  BaselineCode code;
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
  BaselineCode code;
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
  BaselineCode code;
  std::vector<Value *> operands = code.operands(2);
  for (Value *&operand : operands)
    if (operand == &code.slot("a"))
      operand = &code.slot("v");
  code.set_operands(2, operands);
  CHECK(code.emit().not_certified == Reasons{{2, "an unrecorded local object of 8 bytes is live"}});
}

TEST_CASE("Check that an object of the frame with contents of its own is found", "[certificate]") {
  BaselineCode code;
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
    BaselineCode code;
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
  BaselineCode code;
  std::vector<Value *> operands = code.operands(0);
  operands.push_back(ConstantInt::get(Type::getInt64Ty(code.context()), 42));
  code.set_operands(0, operands);
  CHECK(code.emit().not_certified == Reasons{{0, "an operand is no frame slot"}});
}
