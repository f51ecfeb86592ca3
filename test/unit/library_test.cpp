// Check that modules in libraries see what their libraries see, and nothing else.
#include "grow_fixture.h"
#include "osr/library.h"

#include <fmt/format.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

std::string returning(const std::string &name, int value, const std::string &linkage = "") {
  return fmt::format("define {} i64 @{}() {{ ret i64 {} }}\n", linkage, name, value);
}

/// Calls another function, and adds one.
std::string calling(const std::string &name, const std::string &callee) {
  return fmt::format(
      "declare i64 @{1}()\ndefine i64 @{0}() {{ %x = call i64 @{1}()\n %y = add i64 %x, 1\n ret i64 %y }}\n", name,
      callee);
}

struct Program {
  std::unique_ptr<Runtime> runtime;
  ThreadAttachment thread = cantFail(ThreadAttachment::attach());

  explicit Program(Runtime::Options options = {}) : runtime(runtime_with({}, std::move(options))) {}
  Library library(StringRef name, const std::vector<Library> &order = {}) {
    Library made = cantFail(Library::create(*runtime, name));
    for (const Library &other : order)
      cantFail(made.add_to_link_order(other));
    return made;
  }
  std::uint64_t call(Library &library, StringRef name) { return thread.call(cantFail(library.lookup(name))); }
};

TEST_CASE("Libraries may define the same names, and find them in their order") {
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  Program program({.tier = tier});
  Library first = program.library("first"), second = program.library("second");
  Library both = program.library("both", {second, first}), other = program.library("other", {first, second});
  cantFail(first.add(module_of(returning("f", 1) + returning("only_first", 10))));
  cantFail(second.add(module_of(returning("f", 2))));
  cantFail(both.add(module_of(calling("g", "f") + calling("h", "only_first"))));
  cantFail(other.add(module_of(calling("g", "f"))));
  CHECK(program.call(both, "g") == 3);
  CHECK(program.call(both, "h") == 11);
  CHECK(program.call(other, "g") == 2);
  CHECK(program.call(first, "f") == 1);
  CHECK(program.call(other, "f") == 1);
  CHECK_THAT(toString(first.lookup("g").takeError()), Contains("g"));
  CHECK_THAT(toString(program.runtime->lookup("f").takeError()), Contains("f"));
  CHECK_THAT(toString(first.add(module_of(returning("f", 3))).takeError()), Contains("defined already"));
  CHECK(cantFail(program.runtime->redefine(
                     first.name_of("f"),
                     MemoryBufferRef("define i64 @\"" + first.name_of("f") + "\"() { ret i64 7 }", "body")))
            .invalidated <= 1);
  CHECK(program.call(other, "g") == 8);
  CHECK(program.call(both, "g") == 3);
}

TEST_CASE("What nobody has yet is the first definition that comes later in a library that is seen") {
  Program program;
  Library low = program.library("low"), unseen = program.library("unseen"), high = program.library("high", {low});
  cantFail(high.add(module_of("@v = external global i64\n"
                              "define i64 @reads() { %x = load i64, ptr @v\n ret i64 %x }\n" +
                              calling("g", "f") + calling("h", "of_host") + calling("i", "of_main"))));
  cantFail(unseen.add(module_of("@v = global i64 99\n" + returning("f", 99) + returning("of_main", 99))));
  for (const char *name : {"g", "h", "i", "reads"})
    CHECK_THAT(toString(high.lookup(name).takeError()), Contains(name));
  cantFail(low.add(module_of("@v = global i64 5\n" + returning("f", 1))));
  cantFail(
      program.runtime->define({{"of_host", reinterpret_cast<std::uint64_t>(+[]() -> std::uint64_t { return 2; })}}));
  cantFail(program.runtime->add(module_of(returning("of_main", 3))));
  CHECK(program.call(high, "g") == 2);
  CHECK(program.call(high, "h") == 3);
  CHECK(program.call(high, "i") == 4);
  CHECK(program.call(high, "reads") == 5);
}

TEST_CASE("Weak definitions count once in each library, and constructors run in the order of adding") {
  Program program;
  Library first = program.library("first"), second = program.library("second", {first});
  const auto module = [](int value, int digit) {
    return module_of(fmt::format(R"(
      @state = linkonce_odr global i64 {0}
      @order = external global i64
      @llvm.global_ctors = appending global [1 x {{ i32, ptr, ptr }}] [{{ i32, ptr, ptr }} {{ i32 65535, ptr @begin, ptr null }}]
      define internal void @begin() {{
        %old = load i64, ptr @order
        %more = mul i64 %old, 10
        %new = add i64 %more, {1}
        store i64 %new, ptr @order
        ret void
      }}
      define linkonce_odr i64 @get() {{ %x = load i64, ptr @state
        ret i64 %x }}
    )",
                                 value, digit));
  };
  cantFail(program.runtime->add(
      module_of("@order = global i64 0\ndefine i64 @order_now() { %x = load i64, ptr @order\n ret i64 %x }")));
  cantFail(second.add(module(20, 1)));
  cantFail(first.add(module(10, 2)));
  cantFail(second.add(module(30, 3)));
  cantFail(program.runtime->initialize());
  CHECK(program.call(first, "get") == 10);
  CHECK(program.call(second, "get") == 20);
  CHECK(program.call(first, "order_now") == 123);
}

TEST_CASE("What others use may be removed, and come again") {
  Runtime::Options options;
  options.compile_failed = [](StringRef, StringRef reason) {
    return reason.contains("was removed") ? reinterpret_cast<std::uint64_t>(+[]() -> std::uint64_t { return 100; }) : 0;
  };
  Program program(std::move(options));
  Library low = program.library("low"), high = program.library("high", {low});
  const ModuleId module = cantFail(low.add(module_of(returning("f", 1))));
  cantFail(high.add(module_of(calling("g", "f"))));
  CHECK(program.call(high, "g") == 2);
  cantFail(program.runtime->remove(module));
  CHECK(program.call(high, "g") == 101);
  cantFail(program.runtime->add(module_of(returning("f", 50)))); // another one
  CHECK(program.call(high, "g") == 101);
  cantFail(low.add(module_of(returning("f", 5))));
  CHECK(program.call(high, "g") == 6);
}

TEST_CASE("Libraries find the main one last, and what is wrong with them is said") {
  Program program;
  Library library = program.library("library");
  cantFail(program.runtime->add(module_of(returning("f", 1) + returning("k", 2))));
  cantFail(library.add(module_of(returning("f", 10) +
                                 "define i64 @g() { %x = call i64 @f()\n %y = add i64 %x, 1\n ret i64 %y }\n" +
                                 calling("h", "k"))));
  CHECK(program.call(library, "g") == 11);
  CHECK(program.call(library, "h") == 3);
  CHECK_THAT(toString(Library::create(*program.runtime, "library").takeError()), Contains("already"));
  CHECK_THAT(toString(Library::create(*program.runtime, "a$b").takeError()), Contains("no name"));
  CHECK_THAT(toString(library.add(module_of("module asm \".globl x\"")).takeError()), Contains("assembly"));
  CHECK_THAT(toString(library.add({}).takeError()), Contains("no module"));
  Program another;
  CHECK_THAT(toString(library.add_to_link_order(another.library("library"))), Contains("another runtime"));
  cantFail(program.runtime->replace(library.name_of("g"), {.to = Tier::Baseline}));
  CHECK(program.call(library, "g") == 11);
}

} // namespace
} // namespace osr
