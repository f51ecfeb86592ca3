// Check that modules can be removed while their functions run, and leave nothing behind.
#include "grow_fixture.h"
#include "runtime/engine/engine.h"

#include <fmt/format.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

TEST_CASE("A module that was removed is called no more, until another one defines its functions") {
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.compile_failed = [](StringRef, StringRef reason) {
    return reason.contains("was removed") ? reinterpret_cast<std::uint64_t>(+[]() -> std::int64_t { return -1; }) : 0;
  };
  auto runtime =
      runtime_with({"declare i64 @f()\ndefine i64 @user() { %x = call i64 @f()\n %y = mul i64 %x, 2\n ret i64 %y }"},
                   std::move(options));
  const std::string text = "@v = global i64 21\ndefine i64 @f() { %x = load i64, ptr @v\n ret i64 %x }";
  const ModuleId first = cantFail(runtime->add(module_of(text)));
  CHECK(call(*runtime, "user") == 42); // f is a part of the optimised code
  const std::uint64_t f = cantFail(runtime->lookup("f"));
  cantFail(runtime->remove(first));
  CHECK_THAT(toString(runtime->remove(first)), Contains("no module"));
  CHECK_FALSE(runtime->reclaim());
  CHECK(runtime->snapshot()->freed.objects == 2);
  CHECK(std::int64_t(call(*runtime, "user")) == -2);
  CHECK(runtime->address_of("f") == 0);
  CHECK_THAT(toString(runtime->lookup("v").takeError()), Contains("v"));
  CHECK_THAT(toString(runtime->add(module_of("define i32 @f() { ret i32 1 }")).takeError()), Contains("another type"));
  cantFail(runtime->add(module_of("@v = global i64 4\ndefine i64 @f() { %x = load i64, ptr @v\n ret i64 %x }")));
  CHECK(call(*runtime, "user") == 8);
  CHECK(cantFail(runtime->lookup("f")) == f);
}

TEST_CASE("Who defines a removed function again does not get bodies of before back") {
  auto runtime = runtime_with({}, {.tier = Tier::Baseline});
  const auto body = [](int value) { return fmt::format("define i64 @f() {{ ret i64 {} }}", value); };
  const ModuleId first = cantFail(runtime->add(module_of(body(1))));
  RedefineOptions options;
  options.keep_old_body = true;
  for (int value : {2, 3})
    cantFail(runtime->redefine("f", MemoryBufferRef(body(value), "body"), options));
  CHECK(call(*runtime, "f") == 3);
  cantFail(runtime->revert("f", options));
  CHECK(call(*runtime, "f") == 2);
  cantFail(runtime->remove(first));
  CHECK_FALSE(runtime->reclaim());
  cantFail(runtime->add(module_of(body(7))));
  CHECK_THAT(toString(runtime->revert("f", options).takeError()), Contains("body that it began with"));
  CHECK(call(*runtime, "f") == 7);
}

TEST_CASE("Activations of a module that is removed end in its code, and then it goes") {
  static Runtime *current = nullptr;
  static ModuleId module = 0;
  static std::optional<std::uint64_t> waiting;
  auto runtime = runtime_with({}, {.tier = Tier::Baseline});
  module = cantFail(runtime->add(module_of(recursion)));
  current = runtime.get();
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t {
                               cantFail(current->remove(module));
                               waiting = current->snapshot()->freed.waiting;
                               return 0;
                             })}}));
  CHECK(call(*runtime, "sum", 10) == 55);
  CHECK(waiting == 1u);
  CHECK_FALSE(runtime->reclaim());
  CHECK(runtime->snapshot()->freed.waiting == 0);
}

TEST_CASE("Variables that name functions and each other go with their module, in whatever order modules are removed") {
  const std::string defines = R"(
    @v = constant [2 x ptr] [ptr @m, ptr @t]
    @t = constant i64 4
    define i64 @m() { ret i64 5 }
    define ptr @make() { ret ptr @v })";
  const std::string uses = R"(
    declare ptr @make()
    define i64 @f() {
      %p = call ptr @make()
      %q = load ptr, ptr %p
      %x = call i64 %q()
      ret i64 %x
    })";
  auto runtime = runtime_with({});
  for (int round = 0; round < 4; ++round) {
    const bool definer_first = round % 2 == 0;
    const ModuleId first = cantFail(runtime->add(module_of(definer_first ? defines : uses)));
    const ModuleId second = cantFail(runtime->add(module_of(definer_first ? uses : defines)));
    CHECK(call(*runtime, "f") == 5);
    cantFail(runtime->remove(round < 2 ? first : second));
    cantFail(runtime->remove(round < 2 ? second : first));
    CHECK_FALSE(runtime->reclaim());
    for (const char *name : {"v", "t", "m", "make", "f"})
      CHECK_THAT(toString(runtime->lookup(name).takeError()), Contains(name));
  }
}

TEST_CASE("Variables stay while code that has inlined their functions is on a stack") {
  static Runtime *current = nullptr;
  static ModuleId module = 0;
  static bool is_left = false;
  auto runtime = runtime_with({R"(
    declare i64 @host(i64)
    declare i64 @get()
    define i64 @caller() {
      %h = call i64 @host(i64 0)
      %x = call i64 @get()
      %s = add i64 %h, %x
      ret i64 %s
    })"});
  module = cantFail(runtime->add(
      module_of("@v = global i64 7\ndefine i64 @get() alwaysinline { %x = load volatile i64, ptr @v\n ret i64 %x }")));
  current = runtime.get();
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t {
                               cantFail(current->remove(module));
                               is_left = current->reclaim();
                               cantFail(current->add(module_of("define i64 @get() { ret i64 50 }")));
                               return 0;
                             })}}));
  const std::uint64_t result = call(*runtime, "caller"); // goes on in baseline code, which calls the new one
  CHECK(result == 50);
  CHECK(is_left);
  CHECK_FALSE(runtime->reclaim());
}

TEST_CASE("Modules that come and go leave no memory behind") {
  auto runtime = runtime_with({"declare i64 @f()\ndefine i64 @user() { %x = call i64 @f()\n ret i64 %x }"});
  SlabArena &arena = runtime->engine().arena();
  std::uint64_t code = 0, data = 0;
  std::size_t functions = 0, entries = 0;
  for (int i = 0; i < 300; ++i) {
    const ModuleId module = cantFail(runtime->add(module_of(fmt::format(
        "@v = global i64 {}\n@.c = private constant [9 x i64] zeroinitializer\ndefine i64 @f() {{ %x = load i64, ptr "
        "@v\n"
        "%y = call i64 @helper(ptr @.c, i64 %x)\n ret i64 %y }}\n"
        "define internal i64 @helper(ptr %p, i64 %x) noinline {{ %z = load volatile i64, ptr %p\n %s = add i64 %z, %x\n"
        " ret i64 %s }}",
        i))));
    CHECK(call(*runtime, "f") == std::uint64_t(i));
    CHECK(call(*runtime, "user") == std::uint64_t(i));
    cantFail(runtime->remove(module));
    CHECK_FALSE(runtime->reclaim());
    if (i == 100) {
      code = arena.used_bytes(SlabKind::Code);
      data = arena.used_bytes(SlabKind::Data);
      functions = runtime->engine().program().functions.size();
      entries = runtime->engine().targets().bodies().entry_count();
    }
  }
  CHECK(runtime->engine().targets().bodies().entry_count() == entries);
  CHECK(arena.used_bytes(SlabKind::Code) <= code + 16 * 1024);
  CHECK(arena.used_bytes(SlabKind::Data) <= data + 16 * 1024);
  CHECK(runtime->engine().program().functions.size() == functions);
}

TEST_CASE("Local functions of modules that go give their names to those that come, with other types too, unless "
          "somebody has their address") {
  auto runtime = runtime_with({"@kept = global ptr null"});
  const auto entries = [&] { return runtime->engine().targets().bodies().entry_count(); };
  const auto add_call_and_remove = [&](const char *text, std::uint64_t expected) {
    const ModuleId module = cantFail(runtime->add(module_of(text)));
    CHECK(call(*runtime, "user") == expected);
    cantFail(runtime->remove(module));
    CHECK_FALSE(runtime->reclaim());
    return entries();
  };
  const char *of_integer = "define i64 @user() { %x = call i64 @h(i64 3)\n ret i64 %x }\n"
                           "define internal i64 @h(i64 %x) noinline { %y = add i64 %x, 1\n ret i64 %y }";
  const char *of_number =
      "define i64 @user() { %x = call double @h(double 3.0, i1 true)\n %y = fptoui double %x to i64\n ret i64 %y }\n"
      "define internal double @h(double %x, i1 %b) noinline { %y = fmul double %x, 3.0\n ret double %y }";
  const char *known = "@kept = external global ptr\n"
                      "define i64 @user() { store ptr @h, ptr @kept\n %x = call i64 @h(i64 3)\n ret i64 %x }\n"
                      "define internal i64 @h(i64 %x) noinline { %y = add i64 %x, 5\n ret i64 %y }";
  const std::size_t first = add_call_and_remove(of_integer, 4);
  CHECK(add_call_and_remove(of_number, 9) == first); // user's is that of before, as its name
  CHECK(add_call_and_remove(known, 8) == first);
  CHECK(add_call_and_remove(of_integer, 4) == first + 1); // h's: its address may be known
}

TEST_CASE("Modules with guards come one after the other, and with names that look like local ones") {
  auto runtime = runtime_with({});
  const auto guarded = [](const char *name) {
    return module_of(
        fmt::format("declare void @llvm.experimental.guard(i1, ...)\n"
                    "define i64 @{}(i64 %x) {{ %c = icmp ult i64 %x, 10\n"
                    "call void (i1, ...) @llvm.experimental.guard(i1 %c) [\"deopt\"(i64 %x)]\n ret i64 %x }}",
                    name));
  };
  cantFail(runtime->add(guarded("first")));
  cantFail(runtime->add(guarded("second")));
  CHECK(call(*runtime, "first", 3) + call(*runtime, "second", 4) == 7);
  cantFail(runtime->add(module_of("define i64 @\"h$of.100\"() { ret i64 1 }\n@\"v$of.101\" = global i64 2")));
  for (std::uint64_t i = 0; i < 200; ++i) {
    const ModuleId module = cantFail(runtime->add(
        module_of(fmt::format("@v = internal global i64 {}\ndefine i64 @user() {{ %x = call i64 @h()\n ret i64 %x }}\n"
                              "define internal i64 @h() noinline {{ %x = load volatile i64, ptr @v\n ret i64 %x }}",
                              i))));
    CHECK(call(*runtime, "user") == i);
    cantFail(runtime->remove(module));
  }
  CHECK(call(*runtime, "h$of.100") == 1);
}

} // namespace
} // namespace osr
