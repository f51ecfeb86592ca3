// Checks the code that the object stack operations become, by its form and by running it.
#include "canonical_fixture.h"

#include "compiler/canonical/lower_objects.h"
#include "compiler/canonical/object_area.h"
#include "compiler/canonical/objects.h"
#include "compiler/target/stack_arguments.h"
#include "test/support/catch_header.h"

#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include <map>

using namespace llvm;
using namespace osr;

TEST_CASE("lowering leaves no operation and orders the pop after all accesses", "[objects]") {
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
  lower_objects(*program.module, -24);
  REQUIRE_FALSE(verifyModule(*program.module, &errs()));
  CHECK(print(*program.module).find("osr.object") == std::string::npos);
  Function &function = *program.module->getFunction("f");
  CHECK(all<AllocaInst>(function).size() == 1); // without sites nobody replaces the frame
  unsigned barriers = 0;
  for (CallBase *call : all<CallBase>(function))
    barriers += call->isInlineAsm();
  CHECK(barriers == all<ReturnInst>(function).size());
}

namespace {

constexpr const char *operations = R"(
    declare ptr @osr.object.push(i64, i64)
    declare ptr @osr.object.address(ptr, i64)
    declare void @osr.object.expose(ptr)
    declare void @osr.object.pop(ptr)
    declare void @site())";

/// Bytes of the area that `body` gets, in its frame or, if it has sites, in a holder; 0: none.
std::uint64_t area_of(CanonicalFixture &fixture, const std::string &body, const std::string &parameters = "ptr %p") {
  auto module = fixture.parse("define void @f(" + parameters + ") {" + body + " ret void }" + operations);
  lower_objects(*module, 0);
  REQUIRE_FALSE(verifyModule(*module, &errs()));
  for (AllocaInst *object : all<AllocaInst>(*module->getFunction("f")))
    return cast<ConstantInt>(object->getArraySize())->getZExtValue();
  Function *entry = module->getFunction("f" + std::string(entry_suffix));
  if (!entry)
    return 0;
  CHECK(entry->hasFnAttribute(Attribute::Naked));
  const std::string text = print(*module);
  const std::size_t place = text.find("$$");
  REQUIRE(place != std::string::npos);
  return std::stoull(text.substr(place + 2));
}

} // namespace

TEST_CASE("a frame of which nothing is used takes no room", "[objects]") {
  CanonicalFixture fixture;
  auto area = [&](const std::string &added) {
    return area_of(fixture, R"(
      %frame = call ptr @osr.object.push(i64 16, i64 16)
      %o = call ptr @osr.object.address(ptr %frame, i64 0)
      call void @osr.object.expose(ptr %o)
      %extra = )" + added + R"(
      call void @osr.object.pop(ptr %frame))");
  };
  CHECK(area("load ptr, ptr %p") == 0);
  CHECK(area("load i8, ptr %o") == 16);
  CHECK(area("ptrtoint ptr %frame to i64") == 16);
}

TEST_CASE("frames that are not alive together share their room, in a holder where there are sites", "[objects]") {
  CanonicalFixture fixture;
  const std::string site = GENERATE("call void @site()", "call void @site() [\"deopt\"(ptr %a)]");
  const std::string first = "%a = call ptr @osr.object.push(i64 64, i64 16) store i8 1, ptr %a " + site + " ";
  const std::string second = "%b = call ptr @osr.object.push(i64 32, i64 16) store i8 1, ptr %b ";
  const std::string end_first = "call void @osr.object.pop(ptr %a) ", end_second = "call void @osr.object.pop(ptr %b) ";
  CHECK(area_of(fixture, first + end_first + second + end_second) == 64);
  CHECK(area_of(fixture, first + second + end_second + end_first) == 96);
  CHECK(area_of(fixture, first + second + end_first + end_second) == 96);
  const std::string wide = "%b = call ptr @osr.object.push(i64 32, i64 64) store i8 1, ptr %b ";
  CHECK(area_of(fixture, first + wide + end_second + end_first) == 96 + 48); // to align it by hand
  const std::string huge = "%b = call ptr @osr.object.push(i64 6000000000, i64 16) store i8 1, ptr %b ";
  CHECK(area_of(fixture, huge + first + end_first + end_second) == 6000000064);
  CHECK(area_of(fixture, second + "br label %next next: " + end_second + first + end_first) == 64);
}

TEST_CASE("frames of inlined functions lie below those of the functions around them", "[objects]") {
  CanonicalFixture fixture;
  auto module = fixture.parse(std::string(R"(
    define void @f(ptr %p, i1 %c) {
      %outer = call ptr @osr.object.push(i64 16, i64 16)
      br i1 %c, label %middle, label %alone
    innermost:
      %third = call ptr @osr.object.push(i64 32, i64 64)
      call void @osr.object.pop(ptr %third)
      call void @osr.object.pop(ptr %second)
      br label %done
    middle:
      %second = call ptr @osr.object.push(i64 48, i64 16)
      br label %innermost
    alone:
      %other = call ptr @osr.object.push(i64 64, i64 16)
      call void @osr.object.pop(ptr %other)
      br label %done
    done:
      call void @osr.object.pop(ptr %outer)
      ret void
    })") + operations);
  std::map<std::string, CallInst *> named;
  std::vector<CallInst *> pushes; // as they stand in the text: third comes before second
  for (CallBase *push : calls_of(*module->getFunction("f"), object_push)) {
    pushes.push_back(cast<CallInst>(push));
    named[push->getName().str()] = pushes.back();
  }
  const ObjectArea area = lay_out_area(pushes);
  auto offset_of = [&](const char *name) {
    return area.offsets[std::size_t(llvm::find(pushes, named.at(name)) - pushes.begin())];
  };
  CHECK(offset_of("third") == 0);
  CHECK(offset_of("second") == 32);
  CHECK(offset_of("other") == 0);
  CHECK(offset_of("outer") == 80);
  CHECK(area.size == 96);
  CHECK(area.align.value() == 64);
}

TEST_CASE("a holder copies arguments that lie on the stack", "[objects]") {
  CanonicalFixture fixture;
  auto bytes = [&](const std::string &parameters) -> std::uint64_t {
    auto module = fixture.parse("define void @f(" + parameters + ") { ret void }");
    return most_stack_argument_bytes(*module->getFunction("f"));
  };
  CHECK(bytes("") == 0);
  CHECK(bytes("i64, ptr, i32, i8, i128, double, float, <2 x double>") == 0);
  CHECK(bytes("i64, i64, i64, i64, i64, i64, i32") == 16);
  CHECK(bytes("i64, i64, i64, i64, i64, i64, i64, i64, i64") == 32);
  CHECK(bytes("x86_fp80") == 16);
  CHECK(bytes("double, double, double, double, double, double, double, double, double") == 16);
  CHECK(bytes("ptr byval([40 x i8])") >= 40);
  CHECK(bytes("i64, i64, i64, i64, i64, i128, i64") >= 24); // the wide one does not fit, and leaves a register free
  CHECK(bytes("{ i64, { i64, double } }, [4 x i64], [3 x i64]") >= 24);
}

namespace {

/// Collects what is not aligned, in frames on top of each other.
constexpr const char *aligned_objects = R"(
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
      %array = alloca [8 x i8], align 128
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

} // namespace

TEST_CASE("objects have the alignment that they want", "[objects]") {
  CanonicalFixture fixture;
  for (bool optimized : {false, true}) {
    CanonicalProgram program = fixture.canonical(aligned_objects);
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

TEST_CASE("over-aligned objects of pinned functions are aligned although the frame is not", "[objects]") {
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
