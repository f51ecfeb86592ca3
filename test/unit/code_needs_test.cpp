// Checks what is taken for needed behind a call, and where records have what only they want.
#include "sites_fixture.h"

#include "compiler/tiers/code_needs.h"
#include "compiler/tiers/lower_sites.h"
#include "test/support/catch_header.h"

#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <map>

using namespace llvm;
using namespace osr;

namespace {

Value &value_of(Function &function, StringRef name) {
  for (Argument &argument : function.args())
    if (argument.getName() == name)
      return argument;
  for (Instruction &instruction : instructions(function))
    if (instruction.getName() == name)
      return instruction;
  FAIL("no value " << name.str());
  abort();
}

/// Canonical code needs %sum, %field and %base behind its call. As if the optimiser had found out what is in memory, `f`
/// needs only %base there.
struct Optimized {
  NumberedProgram program{R"(
    declare void @ext()
    define i64 @f(i64 %x, i64 %y, ptr %base, ptr %other) {
      %sum = mul i64 %x, %y
      %field = getelementptr i8, ptr %base, i64 8
      store i64 %sum, ptr %field
      call void @ext()
      %kept = load i64, ptr %field
      %again = add i64 %kept, %sum
      %far = load i64, ptr %base
      %result = add i64 %again, %far
      ret i64 %result
    })"};
  Function &function = program.function("f");
  CallBase &call = program.call("f", 0);

  Optimized() {
    cast<Instruction>(value_of(function, "kept")).setOperand(0, &value_of(function, "base"));
    cast<Instruction>(value_of(function, "again")).setOperand(1, &value_of(function, "kept"));
  }
};

} // namespace

TEST_CASE("Check which values are needed behind a call: records do not count", "[tiers]") {
  Optimized code;
  CodeNeeds needs(code.function);
  CHECK(needs.has_use_behind(value_of(code.function, "base"), code.call));
  for (const char *name : {"x", "y", "sum", "field", "other"}) {
    INFO(name);
    CHECK_FALSE(needs.has_use_behind(value_of(code.function, name), code.call));
  }
}

TEST_CASE("Check that values are needed as far as they are used: round loops, by phis, and not before they are defined",
          "[tiers]") {
  NumberedProgram program(R"(
    declare void @ext()
    declare i1 @more()
    define i64 @f(i64 %round, i64 %last, i64 %before) {
    entry:
      %early = add i64 %before, 1
      call void @ext()
      br label %loop
    loop:
      %sum = phi i64 [ %early, %entry ], [ %next, %loop ]
      %next = add i64 %sum, %round
      %goes_on = call i1 @more()
      br i1 %goes_on, label %loop, label %end
    end:
      %result = phi i64 [ %last, %loop ]
      call void @ext()
      ret i64 %result
    })");
  Function &function = program.function("f");
  const auto calls = calls_with_state(function);
  REQUIRE(calls.size() == 3);
  CodeNeeds needs(function);
  const std::map<std::string, std::vector<bool>> expected = {
      {"before", {false, false, false}}, {"early", {true, false, false}}, {"round", {true, true, false}},
      {"next", {false, true, false}},    {"sum", {false, false, false}},  {"last", {true, true, false}}};
  for (const auto &[name, behind] : expected)
    for (unsigned index = 0; index < calls.size(); ++index) {
      INFO(name << " behind call " << index);
      if (name != "next" || index > 0) // there it is not defined yet
        CHECK(needs.has_use_behind(value_of(function, name), *calls[index]) == behind[index]);
    }
}

TEST_CASE("Check that what only a record wants waits in a slot, or is computed from what is there anyway", "[tiers]") {
  Optimized code;
  std::vector<std::string> names = state_names(code.program.site("f", 0));
  const LoweredSites lowered = cantFail(lower_sites(code.function, code.program.program(), {}));
  require_valid(code.program.module());
  REQUIRE(lowered.forms == std::vector{SiteForm::StackMap});
  std::map<std::string, LoweredValue> values;
  for (auto &&[name, value] : zip_equal(names, lowered.records[0].frames.at(0).values))
    values.emplace(name, value);
  REQUIRE(values.size() == 3);
  const CallInst &map = *stack_maps(code.function).at(0);
  CHECK(values.at("sum").kind == LoweredValue::Kind::InMemory);
  CHECK(isa<AllocaInst>(map.getArgOperand(2 + values.at("sum").operand)));
  CHECK(values.at("base").kind == LoweredValue::Kind::Operand);
  CHECK(map.getArgOperand(2 + values.at("base").operand) == &value_of(code.function, "base"));
  CHECK(values.at("field").operand == values.at("base").operand);
  CHECK(values.at("field").recipe.size() == 1);
}
