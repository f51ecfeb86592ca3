// Checks the canonical form of functions that catch or clean up.
#include "canonical_fixture.h"

#include "compiler/canonical/check_input.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;
using namespace osr;

namespace {

/// Two calls that share their normal destination and their landing pad, which tells two types apart.
std::string function_with(const std::string &object, const std::string &use) {
  return R"(
  @A = external constant ptr
  @B = external constant ptr
  declare i32 @__gxx_personality_v0(...)
  declare i32 @llvm.eh.typeid.for.p0(ptr)
  declare i32 @may_throw(ptr)
  define i32 @f(i1 %c, i64 %n) personality ptr @__gxx_personality_v0 {
    )" + object +
         R"(
    br i1 %c, label %one, label %other
  one:
    %a = invoke i32 @may_throw(ptr )" +
         use + R"() to label %both unwind label %pad
  other:
    %b = invoke i32 @may_throw(ptr null) to label %both unwind label %pad
  both:
    %r = phi i32 [ %a, %one ], [ %b, %other ]
    ret i32 %r
  pad:
    %where = phi i32 [ 1, %one ], [ 2, %other ]
    %exception = landingpad { ptr, i32 } catch ptr @A catch ptr @B
    %selector = extractvalue { ptr, i32 } %exception, 1
    %id = call i32 @llvm.eh.typeid.for.p0(ptr @B)
    %is_b = icmp eq i32 %selector, %id
    br i1 %is_b, label %caught, label %pass
  caught:
    ret i32 %where
  pass:
    resume { ptr, i32 } %exception
  })";
}

template <typename Kind> std::vector<Kind *> all_of(Function &function) {
  std::vector<Kind *> found;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block)
      if (auto *match = dyn_cast<Kind>(&instruction))
        found.push_back(match);
  return found;
}

} // namespace

TEST_CASE("A function with landing pads is replaceable, and each call has its own place behind it", "[exceptions]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(function_with("", "null"));
  CHECK(program.find_function("f")->pinned == PinReason::None);
  const auto invokes = all_of<InvokeInst>(*program.module->getFunction("f"));
  REQUIRE(invokes.size() == 2);
  for (InvokeInst *invoke : invokes) {
    CHECK(invoke->getNormalDest()->getSinglePredecessor() == invoke->getParent());
    CHECK(invoke->getNormalDest()->phis().empty());
  }
}

TEST_CASE("Types of exceptions have the same numbers in all code", "[exceptions]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(function_with("", "null"));
  Function &function = *program.module->getFunction("f");
  // Only the translation directly behind a landing pad asks for the numbers of the code at hand.
  std::size_t asked = 0;
  for (IntrinsicInst *intrinsic : all_of<IntrinsicInst>(function)) {
    if (intrinsic->getIntrinsicID() != Intrinsic::eh_typeid_for)
      continue;
    ++asked;
    CHECK(intrinsic->getParent()->isLandingPad());
    for (User *user : intrinsic->users())
      for (User *chosen : user->users())
        CHECK(isa<SelectInst>(chosen));
  }
  CHECK(asked == 2);
  std::vector<std::uint64_t> numbers;
  for (SelectInst *select : all_of<SelectInst>(function))
    numbers.push_back(cast<ConstantInt>(select->getTrueValue())->getZExtValue());
  REQUIRE(numbers.size() == 2);
  CHECK(numbers[0] != numbers[1]);
  bool compared = false;
  for (ICmpInst *compare : all_of<ICmpInst>(function))
    if (auto *number = dyn_cast<ConstantInt>(compare->getOperand(1)))
      compared |= number->getZExtValue() == numbers[1];
  CHECK(compared);
}

TEST_CASE("A landing pad for what is not constant is refused, although the verifier lets it pass", "[exceptions]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(function_with("%which = inttoptr i64 %n to ptr", "null"));
  Function &function = *module->getFunction("f");
  CHECK(!check_input(*module));
  all_of<LandingPadInst>(function).front()->setOperand(1, all_of<IntToPtrInst>(function).front());
  const std::string problem = toString(check_input(*module));
  INFO(problem);
  CHECK(StringRef(problem).contains("function 'f' has a landing pad"));
}
