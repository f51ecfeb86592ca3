// Check that several runtimes live in one process: their functions call each other, in the same threads, while requests replace
// frames of both and exceptions pass through both.
#include "osr/fiber.h"
#include "runtime_pair.h"

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>

using namespace llvm;

namespace osr {
namespace {

TEST_CASE("Frames of two runtimes lie between each other, and requests to each replace its own") {
  RuntimePair pair;
  std::vector<std::uint64_t> rewritten;
  pair.at_bottom = [&](std::uint64_t n) {
    for (const Tier to : {Tier::Optimized, Tier::Baseline})
      for (unsigned which : {0u, 1u})
        rewritten.push_back(pair.replace(which, to));
    rewritten.push_back(pair.replace(0, Tier::Optimized));
    return n;
  };
  auto thread = cantFail(ThreadAttachment::attach());
  CHECK(thread.call(address(pair.functions[0].load()), 40) == sum_to(40));
  REQUIRE(rewritten.size() == 5);
  CHECK(rewritten[0] == 21); // left: 40, 38, ... 0
  CHECK(rewritten[1] == 20);
  CHECK(pair.transitions(0) == 21);
  CHECK(pair.functions[1].load()(41) == sum_to(41)); // by a pointer
  CHECK(pair.transitions(1) > 0);
}

TEST_CASE("Threads go to and fro between two runtimes while requests come to both") {
  RuntimePair pair;
  std::atomic<bool> ends = false;
  std::atomic<std::uint64_t> wrong = 0, calls = 0;
  std::array<std::atomic<std::uint64_t>, 2> rewritten{};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i)
    threads.emplace_back([&, i] {
      auto attached = cantFail(ThreadAttachment::attach());
      for (std::uint64_t n = 20 + i; !ends; n = 20 + (n + 7) % 30, ++calls)
        wrong += attached.call(address(pair.functions[i % 2].load()), n) != sum_to(n);
    });
  std::vector<std::thread> requests;
  for (unsigned which : {0u, 1u})
    requests.emplace_back([&, which] {
      for (unsigned i = 0; i < 40 || rewritten[which] < 40; ++i)
        rewritten[which] += pair.replace(which, i % 2 ? Tier::Baseline : Tier::Optimized);
    });
  for (std::thread &each : requests)
    each.join();
  ends = true;
  for (std::thread &each : threads)
    each.join();
  CHECK(wrong == 0);
  CHECK(calls > 0);
  CHECK(pair.transitions(0) > 0);
  CHECK(pair.transitions(1) > 0);
}

TEST_CASE("Exceptions pass through frames of both, also through those that wait for a transition") {
  RuntimePair pair;
  auto attached = cantFail(ThreadAttachment::attach());
  for (unsigned round = 0; round < 6; ++round) {
    std::uint64_t rewritten = 0;
    pair.notes = pair.sum_of_notes = 0;
    pair.at_bottom = [&](std::uint64_t n) -> std::uint64_t {
      for (unsigned which : {0u, 1u}) // none, one, the other, both, both
        if (round >= 3 || round == 1 + which)
          rewritten += pair.replace(which, round == 3 ? Tier::Baseline : Tier::Optimized);
      if (round != 5)
        throw std::runtime_error("from below");
      return n;
    };
    if (round == 5) {
      CHECK(attached.call(address(pair.functions[0].load()), 30) == sum_to(30));
      continue;
    }
    CHECK_THROWS_WITH(attached.call(address(pair.functions[round % 2].load()), 30), "from below");
    CHECK(pair.notes == 30);
    CHECK(pair.sum_of_notes == 15 * 31);
    CHECK((rewritten > 0) == (round != 0));
  }
  CHECK(pair.runtimes[0]->snapshot()->exceptions.unwound > 0);
  CHECK(pair.runtimes[1]->snapshot()->exceptions.unwound > 0);
}

/// Loops without a call until the word is not 0.
const char *loop = R"(
  declare void @begun(i64)
  define i64 @spin(ptr %word, i64 %number) {
    call void @begun(i64 %number)
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %next, %loop ]
    %next = add i64 %i, 1
    %now = load atomic i64, ptr %word monotonic, align 8
    %on = icmp eq i64 %now, 0
    br i1 %on, label %loop, label %done
  done:
    ret i64 %number
  })";

TEST_CASE("Loops of two runtimes that call nothing are asked to wait by requests to both at once") {
  static std::atomic<std::uint64_t> begun;
  begun = 0;
  std::array<std::unique_ptr<Runtime>, 2> runtimes;
  std::array<std::atomic<std::uint64_t>, 2> words{}, rewritten{};
  for (auto &runtime : runtimes)
    runtime = runtime_with(
        {loop}, {.tier = Tier::Baseline, .host_symbols = {{"begun", address(+[](std::uint64_t) { ++begun; })}}});
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { CHECK(call(*runtimes[i % 2], "spin", address(&words[i % 2]), i) == i); });
  while (begun < 4)
    std::this_thread::yield();
  std::vector<std::thread> requests;
  for (unsigned which : {0u, 1u})
    requests.emplace_back([&, which] {
      for (const Tier to : {Tier::Optimized, Tier::Baseline, Tier::Optimized})
        rewritten[which] += cantFail(runtimes[which]->replace("spin", {.to = to})).rewritten;
    });
  for (std::thread &each : requests)
    each.join();
  words[0] = words[1] = 1;
  for (std::thread &each : threads)
    each.join();
  for (unsigned which : {0u, 1u}) {
    CHECK(rewritten[which] == 6);
    CHECK(runtimes[which]->snapshot()->transitions.continuation > 0);
  }
}

TEST_CASE("Policies of two runtimes notice what is hot in their own code") {
  Runtime::Options options;
  options.tier_up.policy = std::make_shared<CountingPolicy>();
  options.tier_up.compile_threads = 0;
  RuntimePair pair(options, options);
  auto attached = cantFail(ThreadAttachment::attach());
  const auto optimized = [&](unsigned which) { return pair.runtimes[which]->snapshot()->tier_up.functions.size(); };
  for (unsigned i = 0; i < 1'000'000 && optimized(0) + optimized(1) < 2; ++i)
    REQUIRE(attached.call(address(pair.functions[i % 2].load()), 40) == sum_to(40));
  CHECK(optimized(0) == 1);
  CHECK(optimized(1) == 1);
}

TEST_CASE("Fibers are resumed by functions of one runtime and wait in functions of the other") {
  RuntimePair pair;
  auto attached = cantFail(ThreadAttachment::attach());
  std::uint64_t result = 0;
  auto fiber = cantFail(Fiber::create([&] { result = pair.functions[0].load()(10); }));
  pair.at_bottom = [&](std::uint64_t n) {
    if (Fiber::current())
      cantFail(Fiber::suspend());
    return n;
  };
  CHECK(cantFail(fiber->resume()));
  CHECK(attached.call(address(pair.functions[1].load()), 7) == sum_to(7));
  CHECK(pair.replace(0, Tier::Optimized) == 6);
  CHECK(pair.replace(1, Tier::Optimized) == 5);
  CHECK_FALSE(cantFail(fiber->resume()));
  CHECK(result == sum_to(10));
  CHECK(pair.transitions(0) == 6);
  CHECK(pair.transitions(1) == 5);
}

} // namespace
} // namespace osr
