// Check that threads of a program with references come to safepoints, whatever they do.
#include "collected_runtime.h"

#include <atomic>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

/// A loop that calls nothing, and one that calls a function which returns at once.
const char *busy = R"(
  declare ptr addrspace(1) @allocate(i64, i64)
  define i64 @spin(ptr %stop) {
  entry:
    %object = call ptr addrspace(1) @allocate(i64 0, i64 1)
    %field = getelementptr i64, ptr addrspace(1) %object, i64 1
    store i64 7, ptr addrspace(1) %field
    br label %loop
  loop:
    %now = load atomic i64, ptr %stop monotonic, align 8
    %go.on = icmp eq i64 %now, 0
    br i1 %go.on, label %loop, label %done
  done:
    %x = load i64, ptr addrspace(1) %field
    ret i64 %x
  }
  define internal i64 @fib(i64 %n, ptr addrspace(1) %object) noinline {
    %small = icmp ult i64 %n, 2
    br i1 %small, label %leaf, label %more
  leaf:
    %field = getelementptr i64, ptr addrspace(1) %object, i64 1
    %one = load i64, ptr addrspace(1) %field
    ret i64 %one
  more:
    %a = sub i64 %n, 1
    %b = sub i64 %n, 2
    %x = call i64 @fib(i64 %a, ptr addrspace(1) %object)
    %y = call i64 @fib(i64 %b, ptr addrspace(1) %object)
    %z = add i64 %x, %y
    ret i64 %z
  }
  define i64 @recursion(i64 %n) {
    %object = call ptr addrspace(1) @allocate(i64 0, i64 1)
    %field = getelementptr i64, ptr addrspace(1) %object, i64 1
    store i64 1, ptr addrspace(1) %field
    %x = call i64 @fib(i64 %n, ptr addrspace(1) %object)
    ret i64 %x
  })";

std::uint64_t fibonacci(std::uint64_t n) { return n < 2 ? 1 : fibonacci(n - 1) + fibonacci(n - 2); }

TEST_CASE("Threads that run come to a safepoint soon, whatever they do") {
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  objects_move = true;
  CopyingHeap space;
  heap = &space;
  auto runtime = runtime_with({busy, lists}, options_with(tier));
  collected = runtime.get();
  std::atomic<std::uint64_t> stop = 0;
  std::vector<std::thread> threads;
  std::atomic<unsigned> right = 0;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back([&] { right += call(*runtime, "spin", reinterpret_cast<std::uint64_t>(&stop)) == 7; });
  threads.emplace_back([&] { right += call(*runtime, "recursion", 18) == fibonacci(18); });
  threads.emplace_back([&] { right += call(*runtime, "lists", 40) == 2 * 39 * 40 / 2; });
  while (space.collections < 150) { // the list makes 120; these come from a thread that is not the program's
    SafepointOptions patient;
    patient.limit = patience;
    cantFail(runtime->at_safepoint([&](Safepoint &safepoint) { heap->collect(safepoint); }, patient));
  }
  stop = 1;
  for (std::thread &thread : threads)
    thread.join();
  CHECK(right == 4);
}

TEST_CASE("A thread that comes to no safepoint is named, unless it says that it is away") {
  static std::atomic<bool> is_away, may_return, is_there;
  Runtime::Options options = options_with(Tier::Baseline);
  options.host_symbols.emplace_back("wait", reinterpret_cast<std::uint64_t>(+[] {
                                      std::optional<AwayFromProgram> away;
                                      if (is_away)
                                        away.emplace();
                                      is_there = true;
                                      is_there.notify_all();
                                      may_return.wait(false);
                                    }));
  auto runtime =
      runtime_with({"declare void @wait()\ndefine void @waits() { call void @wait()\n ret void }"}, std::move(options));
  for (const bool away : {false, true}) {
    is_away = away;
    may_return = is_there = false;
    std::thread thread([&] { call(*runtime, "waits"); });
    is_there.wait(false);
    bool worked = false;
    SafepointOptions impatient;
    impatient.limit = std::chrono::milliseconds(20);
    const std::string message = toString(runtime->at_safepoint([&](Safepoint &) { worked = true; }, impatient));
    CHECK(worked == away);
    if (!away)
      CHECK_THAT(message, Contains("no safepoint") && Contains("away"));
    may_return = true;
    may_return.notify_all();
    thread.join();
  }
}

} // namespace
} // namespace osr
