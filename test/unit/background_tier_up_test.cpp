// Checks that compile threads move activations that are hardly ever in a call when threads are stopped.
#include "live_program.h"
#include "test/support/catch_header.h"

#include <atomic>
#include <thread>

using namespace llvm;
using namespace osr;

namespace {

/// Both run until the word at %stop is set. brief: in a loop whose calls take no time. counted: in one without calls that has
/// a bound, where optimised code does not poll.
constexpr const char *text = R"(
define i64 @next(i64 %x) noinline {
  %y = add i64 %x, 1
  ret i64 %y
}
define i64 @brief(ptr %stop) noinline {
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %more, %loop ]
  %more = call i64 @next(i64 %i)
  %word = load volatile i64, ptr %stop
  %go = icmp eq i64 %word, 0
  br i1 %go, label %loop, label %done
done:
  %last = call i64 @host(i64 %more)
  ret i64 %last
}
define i64 @counted(ptr %stop, i64 %n) noinline {
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %more, %on ]
  %more = add nuw nsw i64 %i, 1
  %word = load volatile i64, ptr %stop
  %go = icmp eq i64 %word, 0
  br i1 %go, label %on, label %done
on:
  %below = icmp ult i64 %more, %n
  br i1 %below, label %loop, label %done
done:
  %last = call i64 @host(i64 %more)
  ret i64 %last
}
)";

constexpr std::uint64_t most_rounds = std::uint64_t(1) << 50;

LiveProgram &program() {
  static auto *live = new LiveProgram(text, {.tier_up = {.policy = std::make_shared<CountingPolicy>(100),
                                                         .compile_threads = 1}}); // its thread never ends
  return *live;
}

Statistics::TierUp counted() { return program().runtime().snapshot()->tier_up; }

/// Stops the function when its activation was moved: without that this never comes back.
std::string stack_at_the_end_of(const char *function) {
  std::string stack;
  program().inside([&] {
    program().on_host = [&](std::uint64_t argument) {
      stack = program().stack();
      return argument;
    };
    const std::uint64_t moved_before = counted().moved;
    std::atomic<std::uint64_t> stop = 0;
    std::thread watcher([&] {
      while (counted().moved == moved_before)
        std::this_thread::yield();
      stop = 1;
    });
    CHECK(program().call(function, reinterpret_cast<std::uint64_t>(&stop), most_rounds) > 100);
    watcher.join();
  });
  return stack;
}

} // namespace

TEST_CASE("An activation is moved whose calls are too short to be found in one") {
  CHECK(stack_at_the_end_of("brief").starts_with("C"));
}

TEST_CASE("An activation is moved in a loop in which optimised code does not poll") {
  CHECK(stack_at_the_end_of("counted").starts_with("C"));
}
