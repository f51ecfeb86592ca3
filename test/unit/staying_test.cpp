// Check that activations of threads which are away are replaced without a signal to them.
#include "calling_runtime.h"

#include <atomic>
#include <csignal>
#include <functional>
#include <semaphore>
#include <stdexcept>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

/// Threads get two seconds to stop.
std::unique_ptr<Runtime> stopping_runtime() {
  Runtime::Options options;
  options.stops.limit = std::chrono::seconds(2);
  return calling_runtime(std::move(options));
}

void block_all_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

/// A thread that cannot be stopped by a signal, in a function of the host's.
struct Elsewhere {
  std::binary_semaphore is_there{0}, may_go{0};
  std::uint64_t result = 0;
  std::thread thread;

  void begin(Runtime &runtime, std::function<void()> stay) {
    in_host = [this, stay = std::move(stay)] {
      sigset_t before;
      pthread_sigmask(SIG_SETMASK, nullptr, &before);
      block_all_signals();
      stay();
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
    };
    thread = std::thread([this, &runtime] { result = call(runtime, "sum", 10); });
    is_there.acquire();
  }
  void wait() {
    is_there.release();
    may_go.acquire();
  }
  std::uint64_t end() {
    may_go.release();
    thread.join();
    return result;
  }
};

TEST_CASE("A thread that is away is replaced while no signal reaches it, in both directions, and goes on rightly") {
  auto runtime = stopping_runtime();
  Elsewhere other;
  other.begin(*runtime, [&] {
    AwayFromProgram away, nested;
    other.wait();
  });
  CHECK(cantFail(runtime->replace("sum", {.to = Tier::Optimized})).rewritten == 11);
  CHECK(cantFail(runtime->replace("sum", {.to = Tier::Baseline})).rewritten == 11);
  unsigned seen = 0;
  cantFail(runtime->for_each_activation([&](const Activation &) { return ++seen, true; }));
  CHECK(seen == 11);
  CHECK_THAT(toString(Runtime::close(runtime)), Contains("'sum'"));
  cantFail(runtime->redefine("sum", MemoryBufferRef("define i64 @sum(i64 %n) { ret i64 1 }", "sum")));
  runtime->reclaim();
  CHECK(other.end() == 55);
  CHECK(call(*runtime, "sum", 10) == 1);
  CHECK(runtime->snapshot()->transitions.in_place + runtime->snapshot()->transitions.continuation > 0);
}

TEST_CASE("One that is not away cannot be stopped so") {
  auto runtime = stopping_runtime();
  Elsewhere other;
  other.begin(*runtime, [&] { other.wait(); });
  CHECK_THAT(toString(runtime->replace("sum", {.to = Tier::Optimized}).takeError()), Contains("did not stop"));
  CHECK(other.end() == 55);
}

TEST_CASE("Threads go away and come back, call the program meanwhile, and throw, while requests come") {
  auto runtime = stopping_runtime();
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> wrong = 0, rounds = 0;
  thread_local unsigned depth = 0;
  const std::uint64_t sum = cantFail(runtime->lookup("sum"));
  in_host = [&] {
    AwayFromProgram away;
    if (++depth % 2 == 1) {
      auto attached = cantFail(ThreadAttachment::attach());
      wrong += attached.call(sum, 5) != 15;
    }
    --depth;
    if (++rounds % 3 == 0)
      throw std::runtime_error("while it is away");
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      auto attached = cantFail(ThreadAttachment::attach());
      while (!ends)
        try {
          wrong += attached.call(sum, 20) != 210;
        } catch (const std::runtime_error &) {
          depth = 0;
        }
    });
  for (unsigned i = 0; i < 200 || rounds < 1000; ++i)
    cantFail(runtime->replace("sum", {.to = i % 2 ? Tier::Baseline : Tier::Optimized}));
  ends = true;
  for (std::thread &each : threads)
    each.join();
  CHECK(wrong == 0);
}

TEST_CASE("Threads that throw all the time are stopped elsewhere, one by one") {
  auto runtime = stopping_runtime();
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> caught = 0;
  in_host = [] { throw std::runtime_error("always"); };
  const std::uint64_t sum = cantFail(runtime->lookup("sum"));
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      auto attached = cantFail(ThreadAttachment::attach());
      while (!ends)
        try {
          attached.call(sum, 10);
        } catch (const std::runtime_error &) {
          ++caught;
        }
    });
  constexpr unsigned requests = 60;
  std::uint64_t stops = 0;
  for (unsigned i = 0; i < requests; ++i)
    stops += cantFail(runtime->replace("sum", {.to = i % 2 ? Tier::Baseline : Tier::Optimized})).stops;
  ends = true;
  for (std::thread &each : threads)
    each.join();
  CHECK(caught > 0);
  CHECK(stops < requests * 6); // a stop to look, one with stubs, and hardly any that meets an exception about to land
}

} // namespace
} // namespace osr
