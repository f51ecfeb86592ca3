// Checks which calls become sites, and what their frame states hold.
#include "sites_fixture.h"

#include "test/support/catch_header.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;
using namespace osr;

using Names = std::vector<std::string>;

namespace {

constexpr const char *calls_of_all_kinds = R"(
    declare i64 @first(i64)
    declare i64 @strlen(ptr)
    declare void @stop() noreturn
    declare i64 @llvm.ctpop.i64(i64)
    define i64 @strcmp(i64 %x) noinline {
      %r = call i64 @first(i64 %x)
      ret i64 %r
    }
    define i64 @f(ptr %p, i64 %x, ptr %through) {
      %a = call i64 @first(i64 %x)
      %b = call i64 @strlen(ptr %p)
      %c = call i64 @llvm.ctpop.i64(i64 %b)
      %d = call i64 asm sideeffect "", "=r,0"(i64 %c)
      %e = call i64 %through(i64 %d)
      %bad = icmp eq i64 %e, %a
      br i1 %bad, label %dead, label %fine
    dead:
      call void @stop()
      unreachable
    fine:
      %g = call i64 @strcmp(i64 %e)
      ret i64 %g
    }
    define i64 @tail(i64 %x) {
      %r = musttail call i64 @strcmp(i64 %x)
      ret i64 %r
    })";

} // namespace

TEST_CASE("Check that calls which can come back are sites, in function order, and others are not", "[sites]") {
  NumberedProgram program(calls_of_all_kinds);
  const FunctionInfo &f = program.info("f");
  REQUIRE(f.sites().size() == 3);
  Names callees;
  for (std::size_t i = 0; i < f.sites().size(); ++i) {
    CHECK(f.sites()[i].id == SiteId{f.id, std::uint32_t(i)});
    callees.push_back(f.sites()[i].callee);
  }
  CHECK(callees == Names{"first", "", "strcmp"}); // a definition is no library call, whatever its name
  CHECK(program.info("tail").sites().empty());
  CHECK(calls_with_state(program.function("tail")).empty());
  CHECK(calls_with_state(program.function("f")).size() == 3);
}

TEST_CASE("Check that a frame state holds arguments first, then instructions, and only what is used later", "[sites]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %unused, i64 %late, i64 %early, ptr %p) {
      %x = load volatile i64, ptr %p
      %y = load volatile i64, ptr %p
      %z = load volatile i64, ptr %p
      %a = call i64 @ext(i64 %early)
      %s = add i64 %z, %a
      store volatile i64 %s, ptr %p
      %b = call i64 @ext(i64 %x)
      %t = add i64 %b, %a
      %u = add i64 %t, %late
      ret i64 %u
    })");
  // %y and %early are dead behind the call, %unused always; the call's own result is in no state of its own.
  CHECK(state_names(program.site("f", 0)) == Names{"late", "p", "x", "z"});
  CHECK(state_names(program.site("f", 1)) == Names{"late", "a"});
  CHECK(program.site("f", 0).result_used);
  for (std::uint32_t index : {0, 1}) {
    std::vector<Value *> operands = bundle_operands(program.call("f", index));
    REQUIRE(operands.size() == 1 + program.site("f", index).state.size());
    CHECK(cast<ConstantInt>(operands[0])->getZExtValue() == program.site("f", index).id.packed());
  }
  CHECK(bundle_operands(program.call("f", 1))[2] == &program.call("f", 0)); // the renewed call, not the erased one
}

TEST_CASE("Check that a loop's values are live around its back edge and phi operands at their edge only", "[sites]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define i64 @f(i64 %n, i64 %start, i64 %step) {
    entry:
      %before = call i64 @ext(i64 %n)
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      %sum = phi i64 [ %start, %entry ], [ %more, %loop ]
      %v = call i64 @ext(i64 %sum)
      %scaled = mul i64 %v, %step
      %more = xor i64 %sum, %scaled
      %next = add i64 %i, 1
      %again = icmp ult i64 %next, %n
      br i1 %again, label %loop, label %done
    done:
      %last = call i64 @ext(i64 %more)
      ret i64 %last
    })");
  CHECK(state_names(program.site("f", 0)) == Names{"n", "start", "step"}); // no phi yet
  CHECK(state_names(program.site("f", 1)) == Names{"n", "step", "i", "sum"}); // %start fed the first edge only
  CHECK(state_names(program.site("f", 2)).empty());
}

TEST_CASE("Check that sizes, alignments and types of a frame state are those of a store", "[sites]") {
  NumberedProgram program(R"(
    declare void @ext()
    define void @f(i1 %bit, i24 %odd, i128 %wide, x86_fp80 %real, <4 x float> %vector, ptr %p) {
      call void @ext()
      store volatile i1 %bit, ptr %p
      store volatile i24 %odd, ptr %p
      store volatile i128 %wide, ptr %p
      store volatile x86_fp80 %real, ptr %p
      store volatile <4 x float> %vector, ptr %p
      ret void
    })");
  const Site &site = program.site("f", 0);
  std::vector<std::string> seen;
  for (const FrameStateValue &value : site.state)
    seen.push_back(value.type + " " + std::to_string(value.size) + "/" + std::to_string(value.align));
  CHECK(seen == Names{"i1 1/1", "i24 3/4", "i128 16/16", "x86_fp80 10/16", "<4 x float> 16/16", "ptr 8/8"});
  CHECK(site.result == ResultRegisters{});
}

TEST_CASE("Check that an object counts as a use of its frame and is in no frame state itself", "[sites]") {
  NumberedProgram program(R"(
    declare void @use(ptr)
    define i32 @f() {
      %object = alloca i32
      call void @use(ptr %object)
      %r = load i32, ptr %object
      ret i32 %r
    })");
  const Site &site = program.site("f", 0);
  REQUIRE(site.state.size() == 1);
  auto *frame = dyn_cast<CallBase>(bundle_operands(program.call("f", 0))[1]);
  REQUIRE(frame);
  REQUIRE(frame->getCalledFunction());
  CHECK(frame->getCalledFunction()->getName() == "osr.object.push");
}

TEST_CASE("Check that result registers follow the calling convention", "[sites]") {
  NumberedProgram program(R"(
    declare void @none()
    declare i64 @general()
    declare i128 @pair()
    declare double @real()
    declare x86_fp80 @x87()
    declare { x86_fp80, x86_fp80 } @x87_pair()
    declare { i64, double } @mixed()
    declare <8 x float> @wide()
    define void @f(ptr %p) {
      call void @none()
      %a = call i64 @general()
      %b = call i128 @pair()
      %c = call double @real()
      %d = call x86_fp80 @x87()
      %e = call { x86_fp80, x86_fp80 } @x87_pair()
      %g = call { i64, double } @mixed()
      %h = call <8 x float> @wide()
      ret void
    })");
  auto result = [&](std::uint32_t index) { return program.site("f", index).result; };
  CHECK(result(0) == ResultRegisters{});
  CHECK(result(1) == ResultRegisters{.general = true});
  CHECK(result(2) == ResultRegisters{.general = true});
  CHECK(result(3) == ResultRegisters{.vector_bytes = 16});
  CHECK(result(4) == ResultRegisters{.stacked_floats = 1});
  CHECK(result(5) == ResultRegisters{.stacked_floats = 2});
  CHECK(result(6) == ResultRegisters{.general = true, .vector_bytes = 16});
  CHECK(result(7).vector_bytes >= 16);
}

TEST_CASE("Check that a call whose result comes back in memory is refused, and never inlined into its caller",
          "[sites]") {
  NumberedProgram program(R"(
    declare i64 @ext(i64)
    define [6 x i64] @big(i64 %x) {
      %r = call i64 @ext(i64 %x)
      %a = insertvalue [6 x i64] zeroinitializer, i64 %r, 3
      ret [6 x i64] %a
    }
    define i64 @f(i64 %x) {
      %all = call [6 x i64] @big(i64 %x)
      %one = extractvalue [6 x i64] %all, 3
      %b = call i64 @ext(i64 %one)
      ret i64 %b
    })");
  REQUIRE(program.info("f").sites().size() == 2); // the number is taken all the same
  CHECK(program.site("f", 0).refusal == SiteRefusal::ResultInMemory);
  CHECK(program.site("f", 1).is_replaceable());
  std::vector<CallBase *> refused = calls_of(program.function("f"), "big");
  REQUIRE(refused.size() == 1);
  CHECK_FALSE(refused[0]->getOperandBundle(LLVMContext::OB_deopt));
  CHECK(refused[0]->hasFnAttr(Attribute::NoInline));
}

TEST_CASE("Check that pinned functions have no sites", "[sites]") {
  NumberedProgram program(R"(
    declare ptr @llvm.returnaddress(i32)
    declare i64 @ext(ptr)
    define i64 @f() {
      %a = call ptr @llvm.returnaddress(i32 0)
      %r = call i64 @ext(ptr %a)
      ret i64 %r
    })");
  REQUIRE(program.info("f").pinned == PinReason::FrameAddress);
  CHECK(program.info("f").sites().empty());
  CHECK(calls_with_state(program.function("f")).empty());
}
