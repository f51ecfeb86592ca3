// Checks what compiler/canonical does with symbols: attributes, linkage, names, aliases, static constructors.
#include "canonical_fixture.h"

#include "test/support/catch_header.h"

#include <llvm/IR/GlobalVariable.h>

using namespace llvm;
using namespace osr;
using Catch::Matchers::Contains;

TEST_CASE("front-end attributes and linkage go, the program's own choices stay", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    $shared = comdat any
    @0 = private unnamed_addr constant [2 x i8] c"a\00"
    @.Lhidden = internal global i32 1
    @kept = internal global ptr @0
    @llvm.used = appending global [1 x ptr] [ptr @shared], section "llvm.metadata"
    define linkonce_odr hidden i32 @shared() noinline optnone sspstrong comdat { ret i32 1 }
    define internal i32 @one(ptr %p) noinline "frame-pointer"="all" "target-cpu"="haswell" alignstack(64) {
      store ptr @0, ptr %p
      ret i32 2
    }
    define available_externally i32 @offered() { ret i32 7 }
    define i32 @two() { 
      %x = call i32 @offered()
      ret i32 %x
    }
  )");
  Module &module = *program.module;
  Function &one = *module.getFunction("one"), &shared = *module.getFunction("shared");
  CHECK(one.hasExternalLinkage());
  CHECK(one.hasFnAttribute(Attribute::NoInline)); // @two has none: a programmer wrote it
  CHECK(one.getFnAttribute("frame-pointer").getValueAsString() == "all"); // profilers go by it
  CHECK(shared.getFnAttribute("frame-pointer").getValueAsString() == "none");
  CHECK(one.getFnAttribute("target-cpu").getValueAsString() == "haswell");
  CHECK(one.hasFnAttribute("no-realign-stack"));
  CHECK_FALSE(one.hasFnAttribute(Attribute::StackAlignment));
  CHECK(one.getUWTableKind() == UWTableKind::Async);
  CHECK_FALSE(shared.hasFnAttribute(Attribute::OptimizeNone));
  CHECK_FALSE(shared.hasFnAttribute(Attribute::NoInline));
  CHECK_FALSE(shared.hasFnAttribute(Attribute::StackProtectStrong));
  CHECK(shared.hasDefaultVisibility());
  CHECK_FALSE(shared.hasComdat());
  CHECK(module.getFunction("offered")->isDeclaration());
  CHECK_FALSE(module.getGlobalVariable("llvm.used", true));
  CHECK(module.getGlobalVariable("local.Lhidden"));
  CHECK(module.getPICLevel() == PICLevel::BigPIC);
  CHECK(module.getPIELevel() == PIELevel::Default);
}

TEST_CASE("noinline on every function is an artefact of -O0", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    define i32 @a() noinline { ret i32 1 }
    define i32 @b() alwaysinline { ret i32 1 })");
  CHECK_FALSE(program.module->getFunction("a")->hasFnAttribute(Attribute::NoInline));
}

TEST_CASE("a static function with a library's name gets another one", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    define internal double @floor(double %x) { ret double 42.0 }
    define double @f(double %x) {
      %r = call double @floor(double %x)
      ret double %r
    })");
  CHECK(program.find_function("floor.local"));
  CHECK_FALSE(program.find_function("floor"));
}

TEST_CASE("what others may find by its name is known", "[canonical]") {
  CanonicalFixture fixture;
  const CanonicalProgram program = fixture.canonical(R"(
    @shown = global i32 1
    @hidden = hidden global i32 1
    @local = internal global i32 1
    @of_threads = thread_local global i32 1
    @second = alias i32, ptr @shown
    define void @function() {
      ret void
    }
    define linkonce_odr void @inlined() {
      ret void
    }
    define available_externally void @offered() {
      ret void
    })");
  std::vector<std::string> exported;
  for (const Export &each : program.exports)
    exported.push_back(each.name + (each.is_function ? "()" : "") + (each.is_one_of_many ? " of many" : ""));
  llvm::sort(exported);
  CHECK(exported == std::vector<std::string>{"function()", "inlined() of many", "second", "shown"});
}

TEST_CASE("aliases are resolved and remembered", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    @pair = global [2 x i32] [i32 1, i32 2]
    @second = alias i32, getelementptr (i8, ptr @pair, i64 4)
    @again = weak alias i32, ptr @second
    @g = alias i32 (), ptr @f
    define i32 @f() { 
      %x = load i32, ptr @again
      ret i32 %x
    }
    define i32 @h() {
      %x = call i32 @g()
      ret i32 %x
    })");
  REQUIRE(program.aliases.size() == 3);
  CHECK(program.aliases[1].name == "again");
  CHECK(program.aliases[1].target == "pair");
  CHECK(program.aliases[1].offset == 4);
  CHECK(program.aliases[2].target == "f");
  CHECK(program.module->alias_empty());
  CHECK(calls_of(*program.module->getFunction("h"), "f").size() == 1);
}

TEST_CASE("static actions come out in the order in which they run", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    @llvm.global_ctors = appending global [4 x { i32, ptr, ptr }] [
      { i32, ptr, ptr } { i32 65535, ptr @a, ptr null }, { i32, ptr, ptr } { i32 101, ptr @b, ptr null },
      { i32, ptr, ptr } { i32 65535, ptr @c, ptr null }, { i32, ptr, ptr } { i32 1, ptr null, ptr null }]
    @llvm.global_dtors = appending global [3 x { i32, ptr, ptr }] [
      { i32, ptr, ptr } { i32 65535, ptr @a, ptr null }, { i32, ptr, ptr } { i32 101, ptr @b, ptr null },
      { i32, ptr, ptr } { i32 65535, ptr @c, ptr null }]
    define internal void @a() { ret void }
    define internal void @b() { ret void }
    define internal void @c() { ret void })");
  auto names = [](const std::vector<StaticAction> &actions) {
    std::string text;
    for (const StaticAction &action : actions)
      text += action.function;
    return text;
  };
  CHECK(names(program.constructors) == "bac");
  CHECK(names(program.destructors) == "cab");
  CHECK_FALSE(program.module->getGlobalVariable("llvm.global_ctors", true));
}

TEST_CASE("functions listed in sections are static actions", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    @late = internal global [2 x ptr] [ptr @c, ptr @d], section ".init_array"
    @llvm.global_ctors = appending global [2 x { i32, ptr, ptr }] [
      { i32, ptr, ptr } { i32 65535, ptr @e, ptr null }, { i32, ptr, ptr } { i32 200, ptr @b, ptr null }]
    @later = internal global { ptr, ptr } { ptr @f, ptr null }, section ".init_array"
    @numbered = internal global ptr @a, section ".init_array.00100"
    @old = internal global [2 x i64] [i64 -1, i64 0], section ".ctors"
    @old_numbered = internal global ptr @c, section ".ctors.65235"
    @before = global ptr @f, section ".preinit_array"
    @end = internal global ptr @a, section ".fini_array"
    define internal void @a() { ret void }
    define internal void @b() { ret void }
    define internal void @c() { ret void }
    define internal void @d() { ret void }
    define internal void @e() { ret void }
    define internal void @f() { ret void })");
  std::string begin, end;
  for (const StaticAction &action : program.constructors)
    begin += action.function;
  for (const StaticAction &action : program.destructors)
    end += action.function;
  CHECK(begin == "fabccdef");
  CHECK(end == "a");
  CHECK_FALSE(program.module->getGlobalVariable("late", true)->hasSection());
  CHECK_THAT(fixture.refusal("@n = global [2 x i32] [i32 5, i32 6], section \".init_array\""),
             Contains("'n' in section .init_array holds something that is no function"));
}

TEST_CASE("a function that is chosen at the start is one that goes on to the chosen one", "[canonical]") {
  CanonicalFixture fixture;
  CanonicalProgram program = fixture.canonical(R"(
    @f = ifunc i8 (i8, ptr), ptr @choose
    @again = alias i8 (i8, ptr), ptr @f
    @table = constant { i32, [2 x ptr] } { i32 1, [2 x ptr] [ptr @f, ptr @again] }
    define internal signext i8 @one(i8 signext %x, ptr byval([3 x i64]) %p) { ret i8 %x }
    define internal ptr @choose() { ret ptr @one })");
  REQUIRE(program.find_function("f"));
  const Function &f = *program.module->getFunction("f");
  CHECK(f.hasParamAttribute(0, Attribute::SExt));
  CHECK(f.hasRetAttribute(Attribute::SExt));
  CHECK(f.hasParamAttribute(1, Attribute::ByVal));
  CHECK(program.aliases.front().target == "f");
  REQUIRE(program.constructors.size() == 1);
  CHECK(program.constructors.front().function == "f.choose");
  const GlobalVariable &table = *program.module->getGlobalVariable("table");
  CHECK_FALSE(table.isConstant()); // both words are written when f is chosen
  CHECK(table.getInitializer()->getAggregateElement(1u)->isNullValue());
}

TEST_CASE("what has no meaning across versions is refused by name", "[canonical]") {
  CanonicalFixture fixture;
  CHECK_THAT(fixture.refusal("define void @f() presplitcoroutine { ret void }"), Contains("'f' is a coroutine"));
  CHECK_THAT(fixture.refusal("define void @osr.f() { ret void }"), Contains("'osr.f' uses a reserved name"));
  CHECK_THAT(fixture.refusal("define void @p() prefix i32 1 { ret void }"), Contains("'p' has prefix data"));
}
