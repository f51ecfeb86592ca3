// Check that calls in a wrong order, or in a wrong thread, end no process.
#include "calling_runtime.h"
#include "osr/error.h"

#include <atomic>
#include <functional>
#include <stdexcept>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

TEST_CASE("What another thread has attached is attached here for the time of the call") {
  auto runtime = calling_runtime();
  auto attached = cantFail(ThreadAttachment::attach());
  const std::uint64_t sum = cantFail(runtime->lookup("sum"));
  std::uint64_t result = 0, rewritten = 0;
  in_host = [&] { rewritten = cantFail(runtime->replace("sum", {.to = Tier::Optimized})).rewritten; };
  std::thread([&] { result = attached.call(sum, 10); }).join();
  CHECK(result == 55);
  CHECK(rewritten == 11);
  CHECK(attached.call(sum, 3) == 6);
}

TEST_CASE("A thread that is in the program stays attached when its attachment goes, and says so") {
  std::vector<std::string> messages;
  Runtime::Options options;
  options.message = [&](StringRef text) { messages.push_back(text.str()); };
  auto runtime = calling_runtime(std::move(options));
  const std::uint64_t sum = cantFail(runtime->lookup("sum"));
  std::uint64_t rewritten = 0;
  std::thread([&] {
    auto attached = std::make_unique<ThreadAttachment>(cantFail(ThreadAttachment::attach()));
    in_host = [&] {
      attached.reset();
      rewritten = cantFail(runtime->replace("sum", {.to = Tier::Optimized})).rewritten;
    };
    auto used = attached.get();
    CHECK(used->call(sum, 10) == 55);
    auto again = cantFail(ThreadAttachment::attach());
    in_host = [] {};
    CHECK(again.call(sum, 4) == 10);
  }).join();
  CHECK(rewritten == 11);
  REQUIRE(messages.size() == 1);
  CHECK_THAT(messages[0], Contains("stays attached"));
  cantFail(Runtime::close(runtime));
}

TEST_CASE("Questions about what is not there are answered by errors") {
  auto runtime = calling_runtime();
  in_host = [] {};
  const auto says = [](Error error) { return toString(std::move(error)); };
  CHECK_THAT(says(runtime->lookup("nobody").takeError()), Contains("nobody"));
  CHECK_THAT(says(runtime->lookup("").takeError()), Contains("''"));
  CHECK_THAT(says(runtime->replace("nobody", {}).takeError()), Contains("nobody"));
  CHECK_THAT(says(runtime->request("nobody", {})->wait().takeError()), Contains("nobody"));
  CHECK_THAT(says(runtime->redefine("nobody", MemoryBufferRef("define void @nobody() { ret void }", "x")).takeError()),
             Contains("nobody"));
  CHECK_FALSE(says(runtime->redefine("sum", MemoryBufferRef("no IR", "x")).takeError()).empty());
  CHECK_FALSE(says(runtime->redefine("sum", MemoryBufferRef("", "x")).takeError()).empty());
  CHECK_THAT(says(runtime->revert("sum").takeError()), Contains("sum"));
  CHECK_THAT(says(runtime->source_of("sum").takeError()), Contains("not kept"));
  CHECK_THAT(says(runtime->remove(0)), Contains("no module"));
  CHECK_THAT(says(runtime->remove(77)), Contains("no module"));
  CHECK_THAT(says(runtime->at_safepoint([](Safepoint &) {})), Contains("reference_spaces"));
  CHECK_FALSE(says(runtime->run_main({"program"}).takeError()).empty());
  CHECK_FALSE(says(runtime->run_main({}).takeError()).empty());
  CHECK(runtime->address_of("nobody") == 0);
  CHECK(call(*runtime, "sum", 10) == 55);
  cantFail(Runtime::close(runtime));
  CHECK(runtime == nullptr);
}

TEST_CASE("Errors have codes, through all that they pass") {
  auto runtime = calling_runtime();
  in_host = [] {};
  const auto code = [](Error error) {
    const ErrorCode found = code_of(error);
    UNSCOPED_INFO(toString(std::move(error)));
    return found;
  };
  CHECK(code(runtime->lookup("nobody").takeError()) == ErrorCode::Unknown);
  CHECK(code(runtime->replace("nobody", {}).takeError()) == ErrorCode::Unknown);
  CHECK(code(runtime->request("nobody", {})->wait().takeError()) == ErrorCode::Unknown);
  CHECK(code(runtime->redefine("nobody", MemoryBufferRef("define void @nobody() { ret void }", "x")).takeError()) ==
        ErrorCode::Unknown);
  CHECK(code(runtime->remove(77)) == ErrorCode::Unknown);
  CHECK(code(runtime->add(module_of(recursion)).takeError()) == ErrorCode::Exists);
  CHECK(code(runtime->add(orc::ThreadSafeModule()).takeError()) == ErrorCode::Invalid);
  CHECK(code(runtime->run_main({"program"}).takeError()) == ErrorCode::WrongState);
  cantFail(
      runtime->add(module_of("declare void @missing()\ndefine void @calls() { call void @missing()\n ret void }")));
  CHECK(code(runtime->lookup("calls").takeError()) == ErrorCode::Unknown);
  in_host = [&] { CHECK(code(Runtime::close(runtime)) == ErrorCode::InUse); };
  CHECK(call(*runtime, "sum", 1) == 1);
  Runtime::Options impossible;
  impossible.slabs.code = std::uint64_t(1) << 40;
  CHECK(code(Runtime::create(std::move(impossible)).takeError()) == ErrorCode::Invalid);
  impossible = {};
  impossible.reference_spaces = {300};
  CHECK(code(Runtime::create(std::move(impossible)).takeError()) == ErrorCode::Invalid);
}

TEST_CASE("A full slab is an error with a code, in the calls that meet it and in those to come") {
  Runtime::Options options;
  options.slabs.code = 64 << 10;
  options.tier = Tier::Baseline;
  std::vector<std::string> failed;
  options.compile_failed = [&](StringRef function, StringRef) {
    failed.push_back(function.str());
    return reinterpret_cast<std::uint64_t>(+[](std::uint64_t) { return std::uint64_t(7); });
  };
  auto runtime = runtime_with({}, std::move(options));
  std::string large = "@cells = global [10000 x i64] zeroinitializer\ndefine i64 @large(i64 %x) {\n";
  for (unsigned i = 0; i < 8000; ++i) // which nobody can leave out
    large += fmt::format("  store volatile i64 %x, ptr getelementptr (i64, ptr @cells, i64 {})\n", i);
  cantFail(runtime->add(module_of(large + "  ret i64 %x\n}")));
  Error error = runtime->lookup("large").takeError();
  CHECK(code_of(error) == ErrorCode::NoMemory);
  CHECK_THAT(toString(std::move(error)), Contains("slab is full") || Contains("are wanted at once"));
  auto attached = cantFail(ThreadAttachment::attach());
  CHECK(attached.call(runtime->address_of("large"), 1) == 7);
  CHECK(failed == std::vector<std::string>{"large"});
}

TEST_CASE("Who is called by a runtime and calls it back gets errors") {
  Runtime *called = nullptr;
  std::vector<ErrorCode> codes;
  const auto use = [&] {
    if (!called)
      return;
    const auto note = [&](Error error) {
      codes.push_back(code_of(error));
      consumeError(std::move(error));
    };
    note(called->lookup("sum").takeError());
    note(called->add(module_of("define void @more() { ret void }")).takeError());
    note(called->replace("sum", {}).takeError());
    note(called->remove(1));
    note(called->define({{"x", 1}}));
    note(called->redefine("sum", MemoryBufferRef("", "")).takeError());
    note(called->for_each_activation([](const Activation &) { return true; }));
    CHECK(called->address_of("sum") == 0);
    CHECK_FALSE(called->snapshot());
    called->reclaim();
  };
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.listener = [&](const RuntimeEvent &) { use(); };
  options.resolve = [&](StringRef) -> std::optional<std::uint64_t> {
    use();
    return std::nullopt;
  };
  options.compile_failed = [&](StringRef, StringRef) -> std::uint64_t {
    use();
    return reinterpret_cast<std::uint64_t>(+[] { return std::uint64_t(3); });
  };
  auto runtime = runtime_with({"declare void @missing_name()\n"
                               "define i64 @calls() { call void @missing_name()\n ret i64 0 }\n"
                               "define i64 @sum(i64 %n) { ret i64 %n }"},
                              std::move(options));
  called = runtime.get();
  auto attached = cantFail(ThreadAttachment::attach());
  CHECK(attached.call(runtime->address_of("calls")) == 3);
  CHECK(attached.call(runtime->address_of("sum"), 5) == 5);
  CHECK(codes.size() >= 3 * 7);
  CHECK(llvm::all_of(codes, [](ErrorCode each) { return each == ErrorCode::WrongState; }));
  called = nullptr;
  cantFail(Runtime::close(runtime));
}

TEST_CASE("Exceptions of what a runtime calls with its lock held are said, and go no further") {
  std::vector<std::string> messages;
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.listener = [](const RuntimeEvent &) { throw 1; };
  options.resolve = [](StringRef) -> std::optional<std::uint64_t> { throw 2; };
  options.compile_failed = [](StringRef, StringRef) -> std::uint64_t { throw 3; };
  options.cannot_go_on = [](StringRef reason) { throw std::runtime_error(reason.str()); };
  options.message = [&](StringRef text) { messages.push_back(text.str()); };
  auto runtime = runtime_with({"declare void @missing_name()\n"
                               "define i64 @calls() { call void @missing_name()\n ret i64 0 }\n"
                               "define i64 @five() { ret i64 5 }"},
                              std::move(options));
  CHECK_THAT(toString(runtime->lookup("calls").takeError()), Contains("missing_name"));
  auto attached = cantFail(ThreadAttachment::attach());
  CHECK_THROWS_WITH(attached.call(runtime->address_of("calls")), Contains("missing_name"));
  CHECK(attached.call(cantFail(runtime->lookup("five"))) == 5);
  for (const char *name : {"listener", "resolve", "compile_failed"})
    CHECK(llvm::any_of(messages, [&](StringRef each) { return each.contains(name); }));
  cantFail(Runtime::close(runtime));
}

TEST_CASE("A module without content, and none at all, are no programs") {
  CHECK_FALSE(toString(Runtime::create(orc::ThreadSafeModule()).takeError()).empty());
  auto runtime = calling_runtime();
  CHECK_FALSE(toString(runtime->add(orc::ThreadSafeModule()).takeError()).empty());
  cantFail(runtime->remove(cantFail(runtime->add(module_of("")))));
}

} // namespace
} // namespace osr
