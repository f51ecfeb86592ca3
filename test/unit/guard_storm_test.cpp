// Checks guards that fail again and again, in several threads, in recursion, and while others replace the same frames:
// here an assumption is made however often it was wrong.
#include "live_program.h"
#include "runtime/threads/start_thread.h"
#include "test/support/catch_header.h"

#include <atomic>
#include <thread>
#include <vector>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *text = R"(
  declare void @llvm.experimental.guard(i1, ...)

  define internal i64 @third(i64 %x, i64 %y) alwaysinline {
    %m = urem i64 %x, 3
    %other = icmp ne i64 %m, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %other) [ "deopt"(ptr @is_third, i64 %x, i64 %y) ]
    %r = add i64 %x, %y
    ret i64 %r
  }
  define i64 @is_third(i64 %x, i64 %y) noinline "osr-continuation" {
    %r = sub i64 %y, %x
    ret i64 %r
  }

  ; The sum over 1..n of i, or -i where 3 divides i.
  define i64 @sums(i64 %n) noinline {
    br label %loop
  loop:
    %i = phi i64 [ 1, %0 ], [ %next, %loop ]
    %s = phi i64 [ 0, %0 ], [ %sum, %loop ]
    %sum = call i64 @third(i64 %i, i64 %s)
    %next = add i64 %i, 1
    %done = icmp ugt i64 %next, %n
    br i1 %done, label %end, label %loop
  end:
    ret i64 %sum
  }
  ; The same by recursion: on the way back each activation's guard is looked at after the call.
  define i64 @recurses(i64 %n) noinline {
    %end = icmp eq i64 %n, 0
    br i1 %end, label %zero, label %more
  more:
    %less = sub i64 %n, 1
    %s = call i64 @recurses(i64 %less)
    %r = call i64 @third(i64 %n, i64 %s)
    ret i64 %r
  zero:
    ret i64 0
  }
)";

std::uint64_t expected(std::uint64_t n) {
  std::uint64_t sum = 0;
  for (std::uint64_t i = 1; i <= n; ++i)
    sum += i % 3 ? i : -i;
  return sum;
}

LiveProgram &program() {
  static LiveProgram *live = [] {
    Runtime::Options options;
    options.most_guard_failures = ~std::uint64_t(0);
    return new LiveProgram(text, std::move(options));
  }();
  return *live;
}

std::uint64_t failed() { return program().runtime().snapshot()->guards.failed; }

/// Calls the function in several threads, so often with each of the arguments in each; returns how many were wrong.
unsigned wrong_in_threads(const char *function, unsigned times, std::vector<std::uint64_t> arguments) {
  std::atomic<unsigned> wrong = 0;
  const std::uint64_t pc = program().runtime().address_of(function);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      ProgramThread &self = *cantFail(attach_thread());
      for (unsigned j = 0; j < times; ++j)
        for (std::uint64_t n : arguments)
          wrong += enter(self, pc, n) != expected(n);
      detach_thread();
    });
  for (std::thread &thread : threads)
    thread.join();
  return wrong;
}

} // namespace

TEST_CASE("Guards that fail in each activation of a deep recursion, in several threads") {
  const std::uint64_t before = failed();
  CHECK(wrong_in_threads("recurses", 20, {1, 2, 3, 3000}) == 0);
  CHECK(failed() >= before + 4 * 20 * 1000); // nearly all of them were in optimised code at once
}

TEST_CASE("Guards that fail while requests replace the same frames in both directions") {
  const std::uint64_t before = failed();
  std::atomic<bool> done = false;
  std::thread requests([&] {
    for (unsigned i = 0; !done; ++i)
      for (const char *function : {"sums", "recurses"}) {
        ReplaceOptions options;
        options.to = i % 2 ? Tier::Optimized : Tier::Baseline;
        options.recompile = i % 5 == 0;
        if (auto outcome = program().runtime().replace(function, options); !outcome)
          consumeError(outcome.takeError());
      }
  });
  unsigned wrong = 0;
  while (failed() < before + 20'000)
    wrong += wrong_in_threads("sums", 50, {7, 100}) + wrong_in_threads("recurses", 5, {300});
  done = true;
  requests.join();
  CHECK(wrong == 0);
  CHECK(program().runtime().snapshot()->guards.dropped == 0);
}
