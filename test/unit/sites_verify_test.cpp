// Damages frame states in every way that a pass could, and checks that the verifier names what is wrong.
#include "sites_fixture.h"

#include "compiler/sites/frame_chain.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *text = R"(
  declare i64 @ext(i64)
  define i64 @inner(i64 %x, double %d, ptr %out) {
    %a = call i64 @ext(i64 %x)
    store double %d, ptr %out
    %b = add i64 %a, %x
    ret i64 %b
  }
  define i64 @outer(i64 %n, ptr %out, ptr %through) {
    %a = call i64 @inner(i64 %n, double 2.0, ptr %out)
    %b = call i64 %through(i64 %a)
    %c = add i64 %b, %n
    %d = add i64 %c, %a
    ret i64 %d
  })";

std::string verdict(NumberedProgram &program) {
  Error error = verify_sites(program.module(), program.program());
  return error ? toString(std::move(error)) : std::string();
}

bool mentions(const std::string &text, std::initializer_list<const char *> parts) {
  for (const char *part : parts)
    if (text.find(part) == std::string::npos)
      return false;
  return true;
}

/// Verifies with site 0 of `inner` damaged; the text must name the function, the call and each of `parts`.
void check_damage(NumberedProgram &program, const std::vector<Value *> &operands,
                  std::initializer_list<const char *> parts) {
  set_bundle(program.call("inner", 0), operands);
  std::string found = verdict(program);
  INFO(found);
  CHECK(mentions(found, {"in function 'inner'", "call i64 @ext"}));
  CHECK(mentions(found, parts));
}

Value *number(NumberedProgram &program, std::uint64_t value) {
  return ConstantInt::get(Type::getInt64Ty(program.context()), value);
}

} // namespace

TEST_CASE("Check that undamaged frame states pass, before and after optimisation", "[sites]") {
  NumberedProgram program(text);
  CHECK(verdict(program) == "");
  program.optimize();
  CHECK(verdict(program) == "");
}

TEST_CASE("Check that a chain of inlined frames is read outermost first", "[sites]") {
  NumberedProgram program(text);
  program.optimize();
  Function &outer = program.function("outer");
  REQUIRE(calls_of(outer, "inner").empty());
  std::vector<CallBase *> inlined = calls_of(outer, "ext");
  REQUIRE(inlined.size() == 1);
  FrameChain chain = cantFail(read_frame_chain(*inlined[0], program.program()));
  REQUIRE(chain.size() == 2);
  CHECK(chain[0].site == &program.site("outer", 0));
  CHECK(chain[1].site == &program.site("inner", 0));
  for (const FrameInChain &frame : chain)
    CHECK(frame.values.size() == frame.site->state.size());
  CHECK(chain[1].values[0].get() == outer.getArg(0)); // inner's x is outer's n
  CHECK(isa<ConstantFP>(chain[1].values[1].get()));
  CHECK(begins_with_own_frame(chain, outer));
}

TEST_CASE("Check that a dropped operand is named", "[sites]") {
  NumberedProgram program(text);
  std::vector<Value *> operands = bundle_operands(program.call("inner", 0));
  REQUIRE(operands.size() == 4);
  operands.pop_back();
  check_damage(program, operands, {"site 0", "3 values expected, 2 left"});
}

TEST_CASE("Check that a superfluous operand is named", "[sites]") {
  NumberedProgram program(text);
  std::vector<Value *> operands = bundle_operands(program.call("inner", 0));
  operands.push_back(operands[1]);
  check_damage(program, operands, {"does not begin with a site number"});
}

TEST_CASE("Check that an operand of another type is named", "[sites]") {
  NumberedProgram program(text);
  std::vector<Value *> operands = bundle_operands(program.call("inner", 0));
  operands[1] = ConstantInt::get(Type::getInt32Ty(program.context()), 1);
  check_damage(program, operands, {"value 'x' has type i32, expected i64"});
}

TEST_CASE("Check that operands in another order are named", "[sites]") {
  NumberedProgram program(text);
  std::vector<Value *> operands = bundle_operands(program.call("inner", 0));
  std::swap(operands[1], operands[2]);
  check_damage(program, operands, {"value 'x' has type double, expected i64"});
}

TEST_CASE("Check that a site number that does not exist is named", "[sites]") {
  NumberedProgram program(text);
  std::vector<Value *> operands = bundle_operands(program.call("inner", 0));
  SECTION("no constant") { operands[0] = operands[1]; }
  SECTION("site out of range") { operands[0] = number(program, SiteId{program.info("inner").id, 7}.packed()); }
  SECTION("function out of range") { operands[0] = number(program, SiteId{77, 0}.packed()); }
  check_damage(program, operands, {"does not begin with a site number"});
}

TEST_CASE("Check that the number of another site is named", "[sites]") {
  NumberedProgram program(text);
  std::vector<Value *> operands = bundle_operands(program.call("inner", 0));
  operands[0] = number(program, program.site("outer", 1).id.packed()); // a state of two i64
  check_damage(program, operands, {"site 1", "expected i64"});
}

TEST_CASE("Check that a frame state of another function is named even when slots and types fit", "[sites]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %x) {
      %a = call i64 @ext(i64 %x)
      %b = add i64 %a, %x
      ret i64 %b
    }
    define i64 @g(i64 %x) {
      %a = call i64 @ext(i64 %x)
      %b = xor i64 %a, %x
      ret i64 %b
    })");
  std::vector<Value *> operands = bundle_operands(program.call("f", 0));
  operands[0] = number(program, program.site("g", 0).id.packed());
  set_bundle(*calls_with_state(program.function("f"))[0], operands);
  std::string found = verdict(program);
  INFO(found);
  CHECK(mentions(found, {"in function 'f'", "does not begin with a frame of the function"}));
}

TEST_CASE("Check that a duplicated or reversed frame in a chain is named", "[sites]") {
  NumberedProgram program(text);
  program.optimize();
  Function &outer = program.function("outer");
  CallBase &call = *calls_of(outer, "ext").at(0);
  std::vector<Value *> operands = bundle_operands(call);
  std::size_t first = 1 + program.site("outer", 0).state.size(); // site number and values of the outer frame
  std::vector<Value *> damaged;
  SECTION("the outer frame twice") {
    damaged.assign(operands.begin(), operands.begin() + first);
    damaged.insert(damaged.end(), operands.begin(), operands.end());
  }
  SECTION("the inner frame first") {
    damaged.assign(operands.begin() + first, operands.end());
    damaged.insert(damaged.end(), operands.begin(), operands.begin() + first);
  }
  SECTION("the inner frame twice") {
    damaged = operands;
    damaged.insert(damaged.end(), operands.begin() + first, operands.end());
  }
  set_bundle(call, damaged);
  std::string found = verdict(program);
  INFO(found);
  CHECK(mentions(found, {"in function 'outer'", "a frame of '", "follows the call of '"}));
}

TEST_CASE("Check that the outer frame may not be missing from a chain", "[sites]") {
  NumberedProgram program(text);
  program.optimize();
  CallBase &call = *calls_of(program.function("outer"), "ext").at(0);
  std::vector<Value *> operands = bundle_operands(call);
  operands.erase(operands.begin(), operands.begin() + 1 + program.site("outer", 0).state.size());
  set_bundle(call, operands);
  CHECK(mentions(verdict(program), {"in function 'outer'", "does not begin with a frame of the function"}));
}

TEST_CASE("Check that a call without a frame state and one with an empty one are no chain", "[sites]") {
  NumberedProgram program(text);
  auto reason = [&](const CallBase &call) {
    auto chain = read_frame_chain(call, program.program());
    REQUIRE_FALSE(bool(chain));
    return toString(chain.takeError());
  };
  CHECK(mentions(reason(set_bundle(program.call("inner", 0), {})), {"empty frame state"}));
  CallBase &bundled = program.call("outer", 1);
  CallBase *bare = CallBase::removeOperandBundle(&bundled, LLVMContext::OB_deopt, bundled.getIterator());
  CHECK(mentions(reason(*bare), {"no frame state at"}));
}
