// Check what a program that grows and its host have to do with each other: calls and exceptions in both directions, ends.
#include "grow_fixture.h"

#include <csetjmp>
#include <latch>
#include <stdexcept>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

TEST_CASE("The host gives functions, and says what is called instead of one that cannot be compiled") {
  static std::string failed, why;
  Runtime::Options options;
  options.compile_failed = [](StringRef function, StringRef reason) {
    failed = function.str();
    why = reason.str();
    return reinterpret_cast<std::uint64_t>(+[](std::int64_t x) { return -x; });
  };
  auto runtime = runtime_with({R"(
    declare i64 @host(i64)
    declare i64 @missing(i64)
    define i64 @broken(i64 %x) {
      %y = call i64 @missing(i64 %x)
      ret i64 %y
    }
    define i64 @top(i64 %x) {
      %a = call i64 @host(i64 %x)
      %b = call i64 @broken(i64 %a)
      ret i64 %b
    })"},
                              std::move(options));
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t x) { return x * 10; })}}));
  CHECK(std::int64_t(call(*runtime, "top", 7)) == -70);
  CHECK(failed == "broken");
  CHECK_THAT(why, Contains("missing"));
  cantFail(runtime->define({{"missing", reinterpret_cast<std::uint64_t>(+[](std::int64_t x) { return x + 1; })}}));
  CHECK(call(*runtime, "top", 7) == 71);
}

/// Two functions that lead nowhere, and one that calls either.
const char *dead_ends = R"(
    declare i64 @missing(i64)
    declare i64 @llvm.experimental.deoptimize.i64(...)
    define i64 @broken(i64 %x) {
      %y = call i64 @missing(i64 %x)
      ret i64 %y
    }
    define i64 @deoptimizes(i64 %x) {
      %y = call i64 (...) @llvm.experimental.deoptimize.i64() [ "deopt"(i64 %x) ]
      ret i64 %y
    }
    define i64 @top(i64 %x, i64 %which) {
      %first = icmp eq i64 %which, 0
      br i1 %first, label %a, label %b
    a:
      %r = call i64 @broken(i64 %x)
      ret i64 %r
    b:
      %s = call i64 @deoptimizes(i64 %x)
      ret i64 %s
    })";

TEST_CASE("A thread that cannot go on asks the host, which may leave by an exception or by longjmp") {
  static std::jmp_buf place;
  static bool by_exception;
  static std::string why;
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.cannot_go_on = [](StringRef reason) {
    why = reason.str();
    if (by_exception)
      throw std::runtime_error("no way");
    std::longjmp(place, 1);
  };
  auto runtime = runtime_with({dead_ends}, std::move(options));
  auto thread = cantFail(ThreadAttachment::attach());
  const std::uint64_t top = cantFail(runtime->lookup("top"));
  for (const std::uint64_t which : {0u, 1u}) {
    const auto expected = which ? Contains("'deoptimizes' deoptimizes") : Contains("missing");
    by_exception = true;
    CHECK_THROWS_WITH(thread.call(top, 7, which), "no way");
    CHECK_THAT(why, expected);
    by_exception = false;
    why.clear();
    if (setjmp(place) == 0) {
      thread.call(top, 7, which);
      FAIL("control came back");
    }
    CHECK_THAT(why, expected);
  }
  cantFail(runtime->define({{"missing", reinterpret_cast<std::uint64_t>(+[](std::int64_t x) { return x + 1; })}}));
  CHECK(thread.call(top, 7, 0) == 8);
  CHECK(cantFail(runtime->replace("top", {.to = Tier::Optimized})).rewritten == 0); // stacks can be walked
}

TEST_CASE("Exceptions of the host pass through functions of the program") {
  auto runtime = runtime_with({recursion}, {.tier = Tier::Optimized});
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(
                                         +[](std::int64_t) -> std::int64_t { throw std::runtime_error("up"); })}}));
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_WITH(call(*runtime, "sum", 20), "up");
    CHECK(cantFail(runtime->replace("sum", {.to = i % 2 ? Tier::Optimized : Tier::Baseline})).rewritten == 0);
  }
}

TEST_CASE("Runtimes come one after the other, also after one that failed; threads may stay attached") {
  auto attached = cantFail(ThreadAttachment::attach());
  for (int i = 0; i < 50; ++i) {
    Runtime::Options impossible;
    impossible.libraries = {"/there/is/no/library.so"};
    CHECK_THAT(toString(Runtime::create(std::move(impossible)).takeError()), Contains("library"));
    auto runtime = runtime_with({fmt::format("define i64 @f() {{ ret i64 {} }}", i)});
    CHECK(call(*runtime, "f") == std::uint64_t(i));
  }
}

TEST_CASE(
    "A runtime is not closed while one of its own functions is under way, in a thread that need not be attached") {
  Runtime::Options options;
  options.reference_spaces = {1}; // for safepoints
  auto runtime = runtime_with({recursion}, std::move(options));
  std::latch is_inside(1), go(1);
  std::string refused_within;
  std::thread other([&] {
    cantFail(runtime->at_safepoint([&](Safepoint &) {
      refused_within = toString(Runtime::close(runtime));
      is_inside.count_down();
      go.wait();
    }));
  });
  is_inside.wait();
  CHECK_THAT(toString(Runtime::close(runtime)), Contains("1 of its functions are under way"));
  CHECK_THAT(refused_within, Contains("under way"));
  go.count_down();
  other.join();
  cantFail(Runtime::close(runtime));
  CHECK_FALSE(runtime);
}

TEST_CASE("A runtime is not closed while a thread is in one of its functions") {
  static std::unique_ptr<Runtime> runtime;
  static std::string refused;
  runtime = runtime_with({recursion});
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t {
                               std::thread([] { refused = toString(Runtime::close(runtime)); }).join();
                               return 0;
                             })}}));
  CHECK(call(*runtime, "sum", 3) == 6);
  CHECK_THAT(refused, Contains("is in 'sum'"));
  REQUIRE(runtime);
  cantFail(Runtime::close(runtime));
  CHECK_FALSE(runtime);
}

TEST_CASE("Functions that the host calls by pointers of their types are found and replaced") {
  static Runtime *running = nullptr;
  static std::uint64_t rewritten;
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.host_symbols = {
      {"host", reinterpret_cast<std::uint64_t>(+[](std::uint64_t x) {
         rewritten = cantFail(running->replace("sum", {.to = Tier::Optimized})).rewritten;
         cantFail(running->redefine("sum", MemoryBufferRef("define i64 @sum(i64 %n) { ret i64 1000 }", "new")));
         running->reclaim();
         return x;
       })}};
  auto runtime = runtime_with({recursion}, std::move(options));
  running = runtime.get();
  auto thread = cantFail(ThreadAttachment::attach());
  using Sum = std::uint64_t(std::uint64_t);
  Sum *sum = reinterpret_cast<Sum *>(cantFail(runtime->lookup("sum")));
  CHECK(sum(100) == 5050);
  CHECK(rewritten == 101);
  CHECK(sum(100) == 1000);
  std::uint64_t result = 0;
  thread.run([&] { result = sum(7); });
  CHECK(result == 1000);
  cantFail(Runtime::close(runtime));
}

} // namespace
} // namespace osr
