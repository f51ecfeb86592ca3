// Checks that objects leave the frame, that the operations say what they do, and that the lowered code works.
#include "canonical_fixture.h"

#include "compiler/canonical/objects.h"
#include "test/support/catch_header.h"

#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;
using namespace osr;

namespace {

std::uint64_t operand(const CallBase &call, unsigned index) {
  return cast<ConstantInt>(call.getArgOperand(index))->getZExtValue();
}

constexpr const char *two_objects = R"(
  declare void @use(ptr, ptr)
  define i32 @f(i32 %x) {
    %small = alloca i16
    %large = alloca [3 x i64], align 8
    call void @llvm.lifetime.start.p0(ptr %large)
    tail call void @use(ptr %small, ptr %large)
    call void @llvm.lifetime.end.p0(ptr %large)
    %c = icmp eq i32 %x, 0
    br i1 %c, label %a, label %b
  a:
    ret i32 1
  b:
    %r = load i16, ptr %small
    %w = zext i16 %r to i32
    ret i32 %w
  })";

} // namespace

TEST_CASE("objects are pushed at entry and popped before each return", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(two_objects);
  Function &function = *program.module->getFunction("f");
  auto pushes = calls_of(function, object_push), addresses = calls_of(function, object_address);
  REQUIRE(pushes.size() == 1);
  CHECK(pushes[0]->getParent()->isEntryBlock());
  CHECK(operand(*pushes[0], 0) == 32); // 24 bytes, 2 bytes, rounded up
  CHECK(operand(*pushes[0], 1) == 16);
  REQUIRE(addresses.size() == 2);
  CHECK(pushes[0]->getNextNode() == addresses[0]);
  CHECK(addresses[0]->getNextNode() == addresses[1]);
  CHECK(offset_of_object(addresses[0]) == 0); // the largest alignment first
  CHECK(offset_of_object(addresses[1]) == 24);
  CHECK(addresses[0]->getRetDereferenceableBytes() == 24);
  CHECK(addresses[0]->getRetAlign() == Align(8));
  CHECK(addresses[0]->hasRetAttr(Attribute::NoAlias));
  for (CallBase *address : addresses) {
    CHECK(is_object_address(address));
    CHECK(frame_of_object(address) == pushes[0]);
  }
  CHECK(is_object_frame(pushes[0]));
  CHECK_FALSE(is_object_address(pushes[0]));
  CHECK(calls_of(function, object_expose).size() == 2);
  auto pops = calls_of(function, object_pop);
  REQUIRE(pops.size() == all<ReturnInst>(function).size());
  for (CallBase *pop : pops) {
    CHECK(isa<ReturnInst>(pop->getNextNode()));
    CHECK(pop->getArgOperand(0) == pushes[0]);
  }
  CHECK_FALSE(cast<CallInst>(calls_of(function, "use")[0])->isTailCall());
  CHECK(print(*program.module).find("call void @llvm.lifetime") == std::string::npos);
  CHECK(program.module->getFunction(object_address)->getMemoryEffects() == MemoryEffects::inaccessibleMemOnly());
}

TEST_CASE("an object frame has the alignment of its objects", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @use(ptr)
    define void @f() {
      %wide = alloca [4 x i64], align 64
      call void @use(ptr %wide)
      ret void
    })");
  Function &function = *program.module->getFunction("f");
  CallBase *push = calls_of(function, object_push).at(0);
  CHECK(operand(*push, 1) == 64);
  CHECK(offset_of_object(calls_of(function, object_address).at(0)) == 0);
  CHECK(operand(*push, 0) == 32);
}

TEST_CASE("by-value arguments are copied to the object frame", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    %s = type { [5 x i64] }
    declare void @use(ptr)
    define void @f(ptr byval(%s) align 8 %value, ptr byval(%s) %unused) {
      call void @use(ptr %value)
      ret void
    })");
  Function &function = *program.module->getFunction("f");
  CHECK(function.getArg(0)->hasByValAttr());
  auto copies = all<MemCpyInst>(function);
  REQUIRE(copies.size() == 1);
  CHECK(copies[0]->getSource() == function.getArg(0));
  CHECK(is_object_address(copies[0]->getDest()));
  CHECK(calls_of(function, "use")[0]->getArgOperand(0) == copies[0]->getDest());
}

TEST_CASE("objects of variable size stay in the frame, which is pinned", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @use(ptr)
    define void @array(i32 %n) {
      %array = alloca i64, i32 %n, align 32
      call void @use(ptr %array)
      ret void
    }
    define void @in_a_loop(i32 %n) {
      br label %loop
    loop:
      %i = phi i32 [ 0, %0 ], [ %i1, %loop ]
      %one = alloca i64
      call void @use(ptr %one)
      %i1 = add i32 %i, 1
      %more = icmp slt i32 %i1, %n
      br i1 %more, label %loop, label %done
    done:
      ret void
    })");
  for (const FunctionInfo &function : program.functions) {
    CHECK(function.pinned == PinReason::ObjectKind);
    CHECK(calls_of(*program.module->getFunction(function.name), object_push).empty());
    CHECK(all<AllocaInst>(*program.module->getFunction(function.name)).size() == 1);
    // Objects of a callee that is inlined would lie among the fixed ones, above those that its caller has made before.
    CHECK(calls_of(*program.module->getFunction(function.name), "use").at(0)->isNoInline());
  }
}

TEST_CASE("objects that are made once join the object frame; guaranteed tail calls give it up", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @use(ptr)
    declare i32 @next(i32)
    define i32 @f(i32 %n) {
      %c = icmp eq i32 %n, 0
      br i1 %c, label %rare, label %often
    rare:
      %top = call ptr @llvm.stacksave()
      %object = alloca [3 x i64]
      call void @use(ptr %object)
      call void @llvm.stackrestore(ptr %top)
      br label %often
    often:
      %r = musttail call i32 @next(i32 %n)
      ret i32 %r
    })");
  Function &function = *program.module->getFunction("f");
  CHECK(program.functions[0].pinned == PinReason::None);
  CHECK(operand(*calls_of(function, object_push).at(0), 0) == 32);
  CHECK(calls_of(function, object_pop).at(0)->getNextNode() == calls_of(function, "next").at(0));
  CHECK(calls_of(function, "next")[0]->isMustTailCall());
  CHECK(print(*program.module).find("call ptr @llvm.stacksave") == std::string::npos);
}

TEST_CASE("a guaranteed tail call that passes arguments in the place of its caller's pins a function with objects",
          "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @use(ptr)
    define i64 @many(i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, i64 %g) {
      %object = alloca i64
      call void @use(ptr %object)
      %r = musttail call i64 @many(i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, i64 %g, i64 %a)
      ret i64 %r
    }
    define i64 @few(i64 %a, ...) {
      %object = alloca i64
      call void @use(ptr %object)
      %r = musttail call i64 (i64, ...) @few(i64 %a, ...)
      ret i64 %r
    }
    define i64 @plain(i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, i64 %g) {
      %r = musttail call i64 @plain(i64 %b, i64 %c, i64 %d, i64 %e, i64 %f, i64 %g, i64 %a)
      ret i64 %r
    })");
  auto reason = [&](const char *name) { return program.find_function(name)->pinned; };
  CHECK(reason("many") == PinReason::TailCallByValue);
  CHECK(reason("few") == PinReason::VariableArguments);
  CHECK(reason("plain") == PinReason::None);
}

TEST_CASE("a store to an object survives optimisation where a frame state may be read", "[objects]") {
  // The optimiser answers the load after the call by the 7 itself; then nothing in the code reads the object again. The
  // code that takes over at the call would read it, though. Only the exposed address tells.
  for (bool exposed : {true, false}) {
    CanonicalFixture fixture;
    CanonicalProgram program = fixture.canonical(R"(
      declare void @site()
      define i32 @f(i64 %i, i1 %c) {
        %a = alloca [4 x i32]
        %p = getelementptr [4 x i32], ptr %a, i64 0, i64 %i
        store i32 7, ptr %p
        call void @site()
        br i1 %c, label %yes, label %no
      yes:
        %r = load i32, ptr %p
        ret i32 %r
      no:
        ret i32 0
      })");
    Function &function = *program.module->getFunction("f");
    CallBase *site = calls_of(function, "site").at(0), *frame = calls_of(function, object_push).at(0);
    CallBase::addOperandBundle(site, LLVMContext::OB_deopt, OperandBundleDef("deopt", frame), site->getIterator());
    site->eraseFromParent();
    if (!exposed)
      calls_of(function, object_expose).at(0)->eraseFromParent();
    fixture.optimize(*program.module);
    CHECK(all<StoreInst>(function).size() == (exposed ? 1 : 0));
  }
}

TEST_CASE("the optimiser never separates an object's address from its push", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @use(ptr)
    define internal i32 @inner(i32 %x) {
      %o = alloca i32
      store i32 %x, ptr %o
      call void @use(ptr %o)
      %r = load i32, ptr %o
      ret i32 %r
    }
    define i32 @outer(i32 %n) {
      br label %loop
    loop:
      %i = phi i32 [ 0, %0 ], [ %i1, %loop ]
      %s = phi i32 [ 0, %0 ], [ %s1, %loop ]
      %a = call i32 @inner(i32 %i)
      %b = call i32 @inner(i32 %s)
      %s1 = add i32 %a, %b
      %i1 = add i32 %i, 1
      %more = icmp slt i32 %i1, %n
      br i1 %more, label %loop, label %done
    done:
      ret i32 %s1
    })");
  fixture.optimize(*program.module);
  Function &outer = *program.module->getFunction("outer");
  auto pushes = calls_of(outer, object_push);
  REQUIRE(pushes.size() == 2); // both calls were inlined
  for (CallBase *push : pushes) {
    REQUIRE(is_object_address(push->getNextNode()));
    CHECK(frame_of_object(push->getNextNode()) == push);
  }
  CHECK(calls_of(outer, object_address).size() == 2);
  CHECK(calls_of(outer, object_pop).size() == 2);
}

TEST_CASE("a recomputed address promises no lack of aliases", "[objects]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(two_objects);
  Function &function = *program.module->getFunction("f");
  auto *address = cast<CallInst>(calls_of(function, object_address).at(1));
  IRBuilder<> builder(function.front().getTerminator());
  CallInst *again = recompute_object_address(*address, *frame_of_object(address), builder);
  CHECK(is_object_address(again));
  CHECK(offset_of_object(again) == offset_of_object(address));
  CHECK_FALSE(again->hasRetAttr(Attribute::NoAlias));
  CHECK(again->getRetAlign() == address->getRetAlign());
}
