// Check that what waits on suspended stacks is replaced, collected and freed like what waits on those of threads.
#include "fiber_fixture.h"
#include "osr/error.h"

#include <atomic>
#include <stdexcept>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

/// Suspends in the middle of a recursion, `rounds` times, or as long as @endless is not 0.
const char *program = R"(
  @endless = global i64 0
  declare void @yield()
  define i64 @wait(i64 %n, i64 %rounds) {
    %deep = icmp eq i64 %n, 0
    br i1 %deep, label %loop, label %more
  loop:
    %i = phi i64 [ 0, %0 ], [ %next, %loop ]
    call void @yield()
    %next = add i64 %i, 1
    %few = icmp ult i64 %next, %rounds
    %on = load atomic i64, ptr @endless monotonic, align 8
    %is.on = icmp ne i64 %on, 0
    %again = or i1 %few, %is.on
    br i1 %again, label %loop, label %done
  done:
    ret i64 %rounds
  more:
    %less = sub i64 %n, 1
    %x = call i64 @wait(i64 %less, i64 %rounds)
    %y = add i64 %x, %n
    ret i64 %y
  })";

using Wait = std::uint64_t(std::uint64_t, std::uint64_t);

struct Waiting {
  std::unique_ptr<Fiber> fiber;
  std::uint64_t result = 0;
};

std::vector<std::unique_ptr<Waiting>> make_fibers(unsigned count, Wait *wait, std::uint64_t depth,
                                                  std::uint64_t rounds) {
  std::vector<std::unique_ptr<Waiting>> all;
  for (unsigned i = 0; i < count; ++i) {
    auto waiting = std::make_unique<Waiting>();
    Waiting *slot = waiting.get();
    waiting->fiber = cantFail(Fiber::create([=] { slot->result = wait(depth + i % 3, rounds); }));
    all.push_back(std::move(waiting));
  }
  return all;
}

TEST_CASE("Who runs in a fiber does not wait for an activation of the stack that it was resumed from") {
  static Runtime *running = nullptr;
  static ErrorCode code{};
  auto runtime = runtime_with({"declare void @run()\ndefine i64 @resumes() { call void @run()\n ret i64 1 }"},
                              options_with(Tier::Optimized));
  running = runtime.get();
  cantFail(runtime->define({{"run", reinterpret_cast<std::uint64_t>(+[] {
                               auto fiber = cantFail(Fiber::create([] {
                                 Error error =
                                     running->replace("resumes", {Tier::Baseline, Frames::WaitQuiescent}).takeError();
                                 code = code_of(error);
                                 consumeError(std::move(error));
                               }));
                               cantFail(fiber->resume().takeError());
                             })}}));
  CHECK(call(*runtime, "resumes") == 1);
  CHECK(code == ErrorCode::WrongState);
}

TEST_CASE("Ten thousand suspended fibers are replaced back and forth, and all go on rightly") {
  constexpr unsigned count = 10'000, depth = 4;
  auto runtime = runtime_with({program}, options_with(Tier::Baseline));
  auto thread = cantFail(ThreadAttachment::attach());
  Wait *wait = reinterpret_cast<Wait *>(cantFail(runtime->lookup("wait")));
  auto fibers = make_fibers(count, wait, depth, 3);
  std::uint64_t activations = 0;
  for (unsigned i = 0; i < count; ++i)
    activations += depth + i % 3 + 1;
  for (auto &waiting : fibers)
    REQUIRE(cantFail(waiting->fiber->resume()));
  CHECK(cantFail(runtime->replace("wait", {.to = Tier::Optimized})).rewritten == activations);
  for (auto &waiting : fibers)
    REQUIRE(cantFail(waiting->fiber->resume()));
  const ReplaceOutcome back = cantFail(runtime->replace("wait", {.to = Tier::Baseline}));
  CHECK(back.rewritten + back.already >= count); // older frames still wait for their first transition
  CHECK_THAT(toString(Runtime::close(runtime)), Contains("'wait'"));
  for (auto &waiting : fibers)
    REQUIRE(cantFail(waiting->fiber->resume()));
  for (unsigned i = 0; i < count; ++i) {
    REQUIRE_FALSE(cantFail(fibers[i]->fiber->resume()));
    const std::uint64_t n = depth + i % 3;
    REQUIRE(fibers[i]->result == 3 + n * (n + 1) / 2);
  }
  CHECK(cantFail(runtime->replace("wait", {.to = Tier::Baseline})).rewritten == 0);
}

TEST_CASE("Fibers go from thread to thread while their frames are replaced") {
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  constexpr unsigned count = 60, thread_count = 3, rounds = 4;
  auto runtime = runtime_with({program}, options_with(tier));
  auto self = cantFail(ThreadAttachment::attach());
  Wait *wait = reinterpret_cast<Wait *>(cantFail(runtime->lookup("wait")));
  auto fibers = make_fibers(count, wait, 5, rounds);
  auto &endless = *reinterpret_cast<std::atomic<std::uint64_t> *>(cantFail(runtime->lookup("endless")));
  endless = 1;
  std::atomic<unsigned> turn = 0, left = count;
  std::vector<std::atomic_flag> taken(count);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < thread_count; ++t)
    threads.emplace_back([&] {
      auto attached = cantFail(ThreadAttachment::attach());
      while (left > 0) {
        const unsigned i = turn++ % count;
        if (taken[i].test_and_set())
          continue;
        if (!fibers[i]->fiber->is_done() && !cantFail(fibers[i]->fiber->resume()))
          --left;
        taken[i].clear();
      }
    });
  std::uint64_t rewritten = 0;
  for (unsigned round = 0; rewritten <= 10 * count; ++round)
    rewritten += cantFail(runtime->replace("wait", {.to = round % 2 ? Tier::Baseline : Tier::Optimized})).rewritten;
  endless = 0;
  for (std::thread &thread : threads)
    thread.join();
  for (unsigned i = 0; i < count; ++i)
    CHECK(fibers[i]->result == rounds + (5 + i % 3) * (6 + i % 3) / 2);
}

TEST_CASE("What a fiber throws comes out of resume, and catches in progress belong to their stacks") {
  Runtime::Options options;
  options.host_symbols = {{"throw", reinterpret_cast<std::uint64_t>(+[] {
                             try {
                               throw std::runtime_error("inner");
                             } catch (const std::exception &) {
                               cantFail(Fiber::suspend()); // while an exception is caught
                               throw;
                             }
                           })}};
  auto runtime = runtime_with({"declare void @throw()\ndefine void @thrower() { call void @throw()\n ret void }"},
                              std::move(options));
  auto thread = cantFail(ThreadAttachment::attach());
  auto *thrower = reinterpret_cast<void (*)()>(cantFail(runtime->lookup("thrower")));
  auto first = cantFail(Fiber::create([&] { thrower(); })), second = cantFail(Fiber::create([&] { thrower(); }));
  CHECK(cantFail(first->resume()));
  CHECK(cantFail(second->resume()));
  CHECK_FALSE(std::current_exception());
  CHECK_THROWS_WITH(cantFail(first->resume()), "inner");
  CHECK(first->is_done());
  CHECK_THROWS_WITH(cantFail(second->resume()), "inner");
}

TEST_CASE("A fiber may run another one, and one that is given up keeps no code") {
  auto runtime = runtime_with({program}, options_with(Tier::Baseline));
  auto thread = cantFail(ThreadAttachment::attach());
  Wait *wait = reinterpret_cast<Wait *>(cantFail(runtime->lookup("wait")));
  std::uint64_t inner_result = 0, outer_result = 0;
  auto inner = cantFail(Fiber::create([&] { inner_result = wait(2, 2); }));
  auto outer = cantFail(Fiber::create([&] {
    while (cantFail(inner->resume()))
      outer_result += wait(1, 1);
    CHECK(Fiber::current() != nullptr);
  }));
  unsigned resumed = 0;
  while (cantFail(outer->resume()))
    CHECK(cantFail(runtime->replace("wait", {.to = resumed++ % 2 ? Tier::Baseline : Tier::Optimized})).rewritten > 0);
  CHECK(inner_result == 5);
  CHECK(outer_result == 4);
  CHECK(Fiber::current() == nullptr);
  auto abandoned = cantFail(Fiber::create([&] { wait(3, 1); }));
  CHECK(cantFail(abandoned->resume()));
  CHECK_THAT(toString(Runtime::close(runtime)), Contains("'wait'"));
  abandoned.reset();
  cantFail(Runtime::close(runtime));
}

TEST_CASE("Threads may try to resume the same fibers at once: each turn is one thread's") {
  constexpr unsigned count = 20, rounds = 300;
  auto runtime = runtime_with({program}, options_with(Tier::Baseline));
  std::vector<std::unique_ptr<Waiting>> all;
  {
    auto thread = cantFail(ThreadAttachment::attach());
    all = make_fibers(count, reinterpret_cast<Wait *>(cantFail(runtime->lookup("wait"))), 2, rounds);
  }
  std::atomic<unsigned> done = 0, turns = 0, wrong = 0;
  const auto run = [&] {
    auto thread = cantFail(ThreadAttachment::attach());
    while (done < count)
      for (const auto &waiting : all) {
        auto resumed = waiting->fiber->resume();
        if (!resumed) {
          const std::string why = toString(resumed.takeError());
          wrong += why != "a fiber cannot be resumed that runs" && why != "a fiber cannot be resumed that is done";
          continue;
        }
        ++turns;
        done += !*resumed;
      }
  };
  std::thread other(run), third(run);
  run();
  other.join();
  third.join();
  CHECK(wrong == 0);
  CHECK(turns == count * (rounds + 1));
  for (unsigned i = 0; i < count; ++i)
    CHECK(all[i]->result == rounds + (i % 3 + 2) * (i % 3 + 3) / 2);
}

TEST_CASE("Wrong uses of fibers are errors") {
  CHECK_THAT(toString(Fiber::suspend()), Contains("no fiber"));
  auto runtime = runtime_with({program}, options_with(Tier::Baseline));
  auto fiber = cantFail(Fiber::create([] {}));
  CHECK_THAT(toString(fiber->resume().takeError()), Contains("not attached"));
  auto thread = cantFail(ThreadAttachment::attach());
  CHECK_FALSE(cantFail(fiber->resume()));
  CHECK_THAT(toString(fiber->resume().takeError()), Contains("is done"));
  Fiber *self = nullptr;
  auto nested = cantFail(Fiber::create([&] { CHECK_THAT(toString(self->resume().takeError()), Contains("runs")); }));
  self = nested.get();
  CHECK_FALSE(cantFail(nested->resume()));
}

} // namespace
} // namespace osr
