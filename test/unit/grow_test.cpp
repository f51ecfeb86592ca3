// Check that a program can grow module by module while its functions run.
#include "grow_fixture.h"

#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

TEST_CASE("Functions and variables of modules that come one after the other know each other") {
  auto runtime = runtime_with({R"(
    @count = global i64 40
    define i64 @next() {
      %old = load i64, ptr @count
      %new = add i64 %old, 1
      store i64 %new, ptr @count
      %more = call i64 @later(i64 %new)
      ret i64 %more
    }
    declare i64 @later(i64))"});
  CHECK_THAT(toString(runtime->lookup("next").takeError()), Contains("later"));
  cantFail(runtime->add(module_of(R"(
    @count = external global i64
    define i64 @later(i64 %x) {
      %now = load i64, ptr @count
      %sum = add i64 %now, %x
      ret i64 %sum
    })")));
  CHECK(call(*runtime, "next") == 82);
  CHECK(call(*runtime, "next") == 84);
}

TEST_CASE("Each module has its own local names, and the first of weak definitions counts") {
  const auto text = [](int number) {
    return fmt::format(R"(
      @.str = private constant i64 {0}
      @table = internal global ptr @helper
      define internal i64 @helper() {{
        %x = load i64, ptr @.str
        ret i64 %x
      }}
      define linkonce_odr i64 @shared() {{ ret i64 {0} }}
      define i64 @get{0}() {{
        %f = load ptr, ptr @table
        %own = call i64 %f()
        %common = call i64 @shared()
        %scaled = mul i64 %common, 1000
        %sum = add i64 %own, %scaled
        ret i64 %sum
      }})",
                       number);
  };
  auto runtime = runtime_with({text(1), text(2), text(3)});
  CHECK(call(*runtime, "get1") == 1001);
  CHECK(call(*runtime, "get2") == 1002);
  CHECK(call(*runtime, "get3") == 1003);
  cantFail(runtime->add(module_of("define i64 @helper() { ret i64 4 }"))); // nobody has taken the name
  CHECK(call(*runtime, "helper") == 4);
  CHECK(call(*runtime, "get1") == 1001);
}

TEST_CASE("A module that cannot be added changes nothing") {
  auto runtime = runtime_with({"define i64 @one() { ret i64 1 }"});
  CHECK_THAT(
      toString(runtime->add(module_of("define i64 @two() { ret i64 2 }\ndefine i64 @one() { ret i64 3 }", "again"))
                   .takeError()),
      Contains("again") && Contains("'one' is defined already"));
  CHECK(runtime->address_of("two") == 0);
  CHECK_THAT(toString(runtime
                          ->add(module_of("@p = global ptr @nowhere\ndeclare void @nowhere()\n"
                                          "define ptr @two() { ret ptr @p }"))
                          .takeError()),
             Contains("nowhere"));
  CHECK(runtime->address_of("two") == 0);
  cantFail(runtime->add(module_of("define i64 @two() { %x = call i64 @one()\n %y = add i64 %x, 1\n ret i64 %y }\n"
                                  "declare i64 @one()")));
  CHECK(call(*runtime, "two") == 2);
}

TEST_CASE("Modules that are no valid IR of this machine are refused") {
  auto runtime = runtime_with({"@v = global i64 1\ndefine internal i64 @own() { ret i64 1 }\n"
                               "define i64 @uses() { %x = call i64 @own()\n ret i64 %x }"});
  auto refusal = [&](orc::ThreadSafeModule module) { return toString(runtime->add(std::move(module)).takeError()); };
  CHECK_THAT(refusal({}), Contains("no module"));
  CHECK_THAT(refusal(module_of("target triple = \"aarch64-linux-gnu\"\ndefine void @f() { ret void }", "arm")),
             Contains("arm") && Contains("aarch64"));
  CHECK_THAT(refusal(module_of("@list = appending global [1 x i64] [i64 3]")),
             Contains("list") && Contains("appending"));
  auto invalid = module_of("define i64 @f() { ret i64 1 }", "cut");
  invalid.withModuleDo(
      [](Module &module) { module.getFunction("f")->getEntryBlock().getTerminator()->eraseFromParent(); });
  CHECK_THAT(refusal(std::move(invalid)), Contains("cut") && Contains("terminator"));
  cantFail(runtime->add(module_of("declare i64 @own()\ndefine i64 @other() { %x = call i64 @own()\n ret i64 %x }")));
  CHECK_THAT(toString(runtime->lookup("other").takeError()), Contains("own"));
}

TEST_CASE("Weak aliases of several modules are one, local ones are the module's own") {
  const auto text = [](int number) {
    return fmt::format(
        "define linkonce_odr i64 @c2() {{ ret i64 5 }}\n@c1 = weak_odr alias i64 (), ptr @c2\n"
        "define internal i64 @f() {{ ret i64 {0} }}\n@a = internal alias i64 (), ptr @f\n"
        "define i64 @g{0}() {{ %x = call i64 @c1()\n%y = call i64 @a()\n%z = mul i64 %x, %y\n ret i64 %z }}",
        number);
  };
  auto runtime = runtime_with({text(2), text(3)});
  CHECK(call(*runtime, "g2") == 10);
  CHECK(call(*runtime, "g3") == 15);
}

TEST_CASE("Constructors of modules run when the host says so, once, in the order of adding") {
  const auto text = [](int number) {
    return fmt::format(R"(
      @llvm.global_ctors = appending global [1 x {{ i32, ptr, ptr }}] [{{ i32, ptr, ptr }} {{ i32 65535, ptr @set, ptr null }}]
      @order = linkonce_odr global i64 0
      define internal void @set() {{
        %old = load i64, ptr @order
        %scaled = mul i64 %old, 10
        %new = add i64 %scaled, {0}
        store i64 %new, ptr @order
        ret void
      }}
      define i64 @order_seen_by{0}() {{ %x = load i64, ptr @order
        ret i64 %x }})",
                       number);
  };
  auto runtime = runtime_with({text(1)});
  const ModuleId removed = cantFail(runtime->add(module_of(text(9))));
  cantFail(runtime->add(module_of(text(2))));
  cantFail(runtime->remove(removed));
  std::thread([&] { CHECK_THAT(toString(runtime->initialize()), Contains("attached")); }).join();
  auto thread = cantFail(ThreadAttachment::attach());
  cantFail(runtime->initialize());
  CHECK(call(*runtime, "order_seen_by2") == 12);
  cantFail(runtime->add(module_of(text(3))));
  cantFail(runtime->initialize());
  CHECK(call(*runtime, "order_seen_by1") == 123);
}

TEST_CASE("Activations of functions that were added are replaced, in both directions, and redefined") {
  static Runtime *current = nullptr;
  static std::vector<ReplaceOutcome> outcomes;
  outcomes.clear();
  auto runtime = runtime_with({recursion}, {.tier = Tier::Baseline});
  current = runtime.get();
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t {
                               outcomes.push_back(cantFail(current->replace("sum", {.to = Tier::Optimized})));
                               outcomes.push_back(cantFail(current->replace("sum", {.to = Tier::Baseline})));
                               cantFail(current->add(module_of("define i64 @late() { ret i64 1000 }")));
                               return 0;
                             })}}));
  CHECK(call(*runtime, "sum", 10) == 55);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].rewritten == 11);
  CHECK(outcomes[1].rewritten + outcomes[1].already > 0);
  CHECK(runtime->snapshot()->transitions.in_place + runtime->snapshot()->transitions.continuation > 0);
  CHECK(call(*runtime, "late") == 1000);
  const std::string other = "define i64 @sum(i64 %n) { %x = mul i64 %n, 2\n ret i64 %x }";
  cantFail(runtime->redefine("sum", MemoryBufferRef(other, "sum")));
  CHECK(call(*runtime, "sum", 10) == 20);
}

TEST_CASE("Modules are added by several threads while others call") {
  auto runtime = runtime_with({"define i64 @f0() { ret i64 0 }"});
  std::atomic<int> known = 0;
  auto add = [&](int from, int step) {
    for (int i = from; i < 60; i += step)
      cantFail(runtime->add(module_of(fmt::format("declare i64 @f0()\ndefine i64 @f{0}() {{ %x = call i64 @f0()\n"
                                                  "%y = add i64 %x, {0}\n ret i64 %y }}",
                                                  i))));
    ++known;
  };
  std::thread first(add, 1, 2), second(add, 2, 2);
  while (known < 2)
    CHECK(call(*runtime, "f0") == 0);
  first.join();
  second.join();
  for (int i = 0; i < 60; ++i)
    CHECK(call(*runtime, fmt::format("f{}", i)) == std::uint64_t(i));
}

} // namespace
} // namespace osr
