// Checks the code that the object stack operations become, by its form and by running it.
#include "canonical_fixture.h"

#include "compiler/canonical/object_stack.h"
#include "test/support/catch_header.h"

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;
using namespace osr;

TEST_CASE("lowering leaves no operation and orders the pop after all accesses", "[object stack]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare void @use(ptr)
    define i32 @f(i32 %x) {
      %o = alloca i32
      call void @use(ptr %o)
      %c = icmp eq i32 %x, 0
      br i1 %c, label %a, label %b
    a:
      ret i32 1
    b:
      %r = load i32, ptr %o
      ret i32 %r
    })");
  lower_object_stack(*program.module, -24);
  REQUIRE_FALSE(verifyModule(*program.module, &errs()));
  CHECK(print(*program.module).find("osr.object") == std::string::npos);
  Function &function = *program.module->getFunction("f");
  std::vector<StoreInst *> pops;
  for (StoreInst *store : all<StoreInst>(function))
    if (store->getPointerAddressSpace() == 257) {
      CHECK(store->isVolatile());
      auto *before = dyn_cast_or_null<CallInst>(store->getPrevNode());
      if (before && before->isInlineAsm())
        pops.push_back(store);
    }
  CHECK(pops.size() == all<ReturnInst>(function).size());
}

TEST_CASE("a frame of which nothing is used is not pushed", "[object stack]") {
  CanonicalFixture fixture;
  const char *text = R"(
    define void @f(ptr %out) {
      %frame = call ptr @osr.object.push(i64 16, i64 16)
      %o = call ptr @osr.object.address(ptr %frame, i64 0)
      call void @osr.object.expose(ptr %o)
      %extra = ADDED
      call void @osr.object.pop(ptr %frame, i64 16, i64 16)
      ret void
    }
    declare ptr @osr.object.push(i64, i64)
    declare ptr @osr.object.address(ptr, i64)
    declare ptr @osr.object.alloca(i64, i64)
    declare void @osr.object.expose(ptr)
    declare void @osr.object.pop(ptr, i64, i64))";
  auto accesses = [&](const char *added) {
    std::string filled = text;
    filled.replace(filled.find("ADDED"), 5, added);
    auto module = fixture.parse(filled);
    lower_object_stack(*module, 0);
    REQUIRE_FALSE(verifyModule(*module, &errs()));
    return all<StoreInst>(*module->getFunction("f")).size();
  };
  CHECK(accesses("load ptr, ptr %out") == 0);
  CHECK(accesses("load i8, ptr %o") == 2);
  CHECK(accesses("ptrtoint ptr %frame to i64") == 2); // as a frame state would
  CHECK(accesses("call ptr @osr.object.alloca(i64 8, i64 16)") == 3);
}

TEST_CASE("lowered code pushes, aligns, allocates and pops", "[object stack]") {
  CanonicalFixture fixture;
  const char *text = R"(
    %wide = type { [9 x i64] }
    define i64 @sum(ptr byval(%wide) %w, i64 %n) {
      %last = getelementptr i64, ptr %w, i64 8
      store i64 %n, ptr %last
      %slot = getelementptr i64, ptr %w, i64 %n
      %v = load i64, ptr %slot
      %r = add i64 %v, %n
      ret i64 %r
    }
    define void @fill(ptr sret(%wide) %out, i64 %n) {
      %slot = getelementptr i64, ptr %out, i64 %n
      store i64 5, ptr %slot
      ret void
    }
    define i64 @recurse(i64 %n, ptr %misaligned) {
      %a = alloca %wide, align 64
      %count = add i64 %n, 1
      %array = alloca i8, i64 %count, align 128
      %ai = ptrtoint ptr %a to i64
      %di = ptrtoint ptr %array to i64
      %am = and i64 %ai, 63
      %dm = and i64 %di, 127
      %m = or i64 %am, %dm
      %old = load i64, ptr %misaligned
      %new = or i64 %old, %m
      store i64 %new, ptr %misaligned
      %end = getelementptr i8, ptr %array, i64 %n
      store i8 1, ptr %end
      call void @fill(ptr sret(%wide) %a, i64 %n)
      %done = icmp eq i64 %n, 0
      br i1 %done, label %base, label %more
    base:
      ret i64 100
    more:
      %n1 = sub i64 %n, 1
      %below = call i64 @recurse(i64 %n1, ptr %misaligned)
      %here = call i64 @sum(ptr byval(%wide) %a, i64 %n)
      %r = add i64 %below, %here
      ret i64 %r
    })";
  for (bool optimized : {false, true}) {
    CanonicalProgram program = fixture.canonical(text);
    if (optimized)
      fixture.optimize(*program.module);
    run(std::move(program.module), fixture.machine(), "recurse", [](void *address) {
      std::int64_t misaligned = 0;
      CHECK(reinterpret_cast<std::int64_t (*)(std::int64_t, std::int64_t *)>(address)(7, &misaligned) ==
            100 + 7 * 5 + (1 + 2 + 3 + 4 + 5 + 6 + 7));
      CHECK(misaligned == 0);
    });
  }
}

TEST_CASE("over-aligned objects of pinned functions are aligned although the frame is not", "[object stack]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    declare ptr @llvm.returnaddress(i32)
    define i64 @pinned(ptr %out) {
      %o = alloca [4 x i64], align 128
      %small = alloca i8
      call void @llvm.lifetime.start.p0(ptr %o)
      %r = call ptr @llvm.returnaddress(i32 0)
      store volatile ptr %r, ptr %o
      store volatile i8 1, ptr %small
      %i = ptrtoint ptr %o to i64
      %m = and i64 %i, 127
      call void @llvm.lifetime.end.p0(ptr %o)
      ret i64 %m
    })");
  REQUIRE(program.functions[0].pinned == PinReason::FrameAddress);
  for (AllocaInst *object : all<AllocaInst>(*program.module->getFunction("pinned")))
    CHECK(object->getAlign().value() <= 16);
  run(std::move(program.module), fixture.machine(), "pinned",
      [](void *address) { CHECK(reinterpret_cast<std::int64_t (*)(void *)>(address)(nullptr) == 0); });
}
