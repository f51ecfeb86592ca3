// Checks the steps of compiler/canonical that change code, each on the smallest text that shows what it does.
#include "canonical_fixture.h"

#include "compiler/canonical/define_undef.h"
#include "compiler/canonical/split_aggregates.h"
#include "compiler/canonical/struct_returns.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

TEST_CASE("struct returns become pointer results, also in guaranteed tail calls", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    %s = type { [5 x i64] }
    declare void @outside(ptr noalias writable sret(%s) align 8 captures(none), i32)
    define void @make(ptr sret(%s) %out, i32 %i) {
      %slow = icmp eq i32 %i, 0
      br i1 %slow, label %tail, label %here
    here:
      store i64 1, ptr %out
      ret void
    tail:
      musttail call void @outside(ptr sret(%s) %out, i32 %i)
      ret void
    }
    define void @use(ptr %callee, ptr %p) {
      call void %callee(ptr sret(%s) %p, i32 2)
      call void @make(ptr %p, i32 1)
      ret void
    })");
  REQUIRE_FALSE(bool(convert_struct_returns(*module)));
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  CHECK(print(*module).find("sret") == std::string::npos);
  Function &make = *module->getFunction("make"), &outside = *module->getFunction("outside");
  auto returns = all<ReturnInst>(make);
  REQUIRE(returns.size() == 2);
  CHECK(returns[0]->getReturnValue() == make.getArg(0));
  CHECK(returns[1]->getReturnValue() == calls_of(make, "outside")[0]);
  CHECK(outside.hasParamAttribute(0, Attribute::NoAlias));
  CaptureInfo captures = outside.getParamAttribute(0, Attribute::Captures).getCaptureInfo();
  CHECK(captures.isRetOnly());
  CHECK(capturesFullProvenance(captures.getRetComponents()));
  for (CallBase *call : all<CallBase>(*module->getFunction("use")))
    CHECK(call->getType()->isPointerTy());
}

TEST_CASE("undefined choices become zero", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    define <2 x i32> @f(i1 %c, <2 x i32> %v, ptr %p) {
      br i1 %c, label %a, label %b
    a:
      br label %b
    b:
      %x = phi <2 x i32> [ poison, %0 ], [ %v, %a ]
      %q = phi ptr [ undef, %a ], [ %p, %0 ]
      %y = select i1 %c, <2 x i32> <i32 5, i32 poison>, <2 x i32> %x
      store ptr %q, ptr %p
      ret <2 x i32> %y
    })");
  define_undef(*module->getFunction("f"));
  std::string text = print(*module);
  CHECK(text.find("poison") == std::string::npos);
  CHECK(text.find("undef") == std::string::npos);
  CHECK_THAT(text, Contains("<2 x i32> <i32 5, i32 0>"));
}

TEST_CASE("aggregates are split into members and rebuilt where needed", "[canonical]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(R"(
    declare { i64, { double, i64 } } @make()
    declare void @other()
    declare void @take({ i64, { double, i64 } })
    define { i64, { double, i64 } } @f(i1 %c, { i64, { double, i64 } } %arg) {
      %made = call { i64, { double, i64 } } @make()
      br i1 %c, label %loop, label %done
    loop:
      %agg = phi { i64, { double, i64 } } [ %made, %0 ], [ %next, %loop ]
      %inner = extractvalue { i64, { double, i64 } } %agg, 1
      %deep = extractvalue { double, i64 } %inner, 1
      %swapped = insertvalue { i64, { double, i64 } } %arg, { double, i64 } %inner, 1
      %chosen = select i1 %c, { i64, { double, i64 } } %swapped, { i64, { double, i64 } } %made
      %next = insertvalue { i64, { double, i64 } } %chosen, i64 %deep, 0
      call void @other()
      call void @take({ i64, { double, i64 } } %next)
      %again = icmp eq i64 %deep, 0
      br i1 %again, label %loop, label %done
    done:
      %result = phi { i64, { double, i64 } } [ %made, %0 ], [ %next, %loop ]
      call void @other()
      ret { i64, { double, i64 } } %result
    })");
  Function &function = *module->getFunction("f");
  REQUIRE(split_aggregates(function));
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  for (PHINode *phi : all<PHINode>(function))
    CHECK_FALSE(phi->getType()->isAggregateType());
  CHECK(all<SelectInst>(function).size() == 2); // the first member is replaced before anybody reads it
  for (Instruction *instruction : all<Instruction>(function)) {
    if (!instruction->getType()->isAggregateType())
      continue;
    for (User *user : instruction->users()) { // no call in between
      CHECK(cast<Instruction>(user)->getParent() == instruction->getParent());
      CHECK((isa<ExtractValueInst>(user) || isa<InsertValueInst>(instruction)));
    }
  }
}

TEST_CASE("every definition has an id that its clones keep", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @outside()
    define void @a() { ret void }
    define void @b() naked { unreachable })");
  REQUIRE(program.functions.size() == 2);
  CHECK(program.find_function("outside") == nullptr);
  CHECK(program.find_function("nothing") == nullptr);
  for (FunctionId id = 0; id < 2; ++id) {
    CHECK(program.functions[id].id == id);
    CHECK(&program.info_of(*program.module->getFunction(program.functions[id].name)) == &program.functions[id]);
  }
}
