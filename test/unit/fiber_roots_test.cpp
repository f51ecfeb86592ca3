// Check that a collector finds what is on suspended stacks, and that fibers go from thread to thread meanwhile.
#include "copying_heap.h"
#include "fiber_fixture.h"

#include <atomic>
#include <thread>

using namespace llvm;

namespace osr {
namespace {

TEST_CASE("References on suspended stacks are roots") {
  static Runtime *collected = nullptr;
  static CopyingHeap *heap = nullptr;
  CopyingHeap space;
  heap = &space;
  Runtime::Options options = options_with(GENERATE(Tier::Baseline, Tier::Optimized));
  options.reference_spaces = {1};
  options.host_symbols.emplace_back("allocate", reinterpret_cast<std::uint64_t>(+[](std::uint64_t words) {
                                      cantFail(collected->at_safepoint([](Safepoint &point) { heap->collect(point); }));
                                      return heap->allocate(0, std::uint32_t(words));
                                    }));
  auto runtime = runtime_with({R"(
    declare ptr addrspace(1) @allocate(i64)
    declare void @yield()
    define i64 @keep(i64 %x) {
      %object = call ptr addrspace(1) @allocate(i64 1)
      %field = getelementptr i64, ptr addrspace(1) %object, i64 1
      store i64 %x, ptr addrspace(1) %field
      call void @yield()
      %y = load i64, ptr addrspace(1) %field
      ret i64 %y
    })"},
                              std::move(options));
  collected = runtime.get();
  auto thread = cantFail(ThreadAttachment::attach());
  auto *keep = reinterpret_cast<std::uint64_t (*)(std::uint64_t)>(cantFail(runtime->lookup("keep")));
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::vector<std::uint64_t> results(50);
  for (unsigned i = 0; i < results.size(); ++i) {
    fibers.push_back(cantFail(Fiber::create([&, i] { results[i] = keep(i * 3); })));
    CHECK(cantFail(fibers.back()->resume()));
  }
  for (auto &fiber : fibers)
    CHECK_FALSE(cantFail(fiber->resume()));
  for (unsigned i = 0; i < results.size(); ++i)
    CHECK(results[i] == i * 3);
  CHECK(space.collections == 50);
}

const char *counts_in_object = R"(
    declare ptr addrspace(1) @allocate(i64)
    declare void @yield()
    define i64 @count(i64 %n) {
    entry:
      %object = call ptr addrspace(1) @allocate(i64 1)
      %field = getelementptr i64, ptr addrspace(1) %object, i64 1
      store i64 0, ptr addrspace(1) %field
      br label %loop
    loop:
      %i = phi i64 [ 0, %entry ], [ %next, %loop ]
      call void @yield()
      %garbage = call ptr addrspace(1) @allocate(i64 1)
      %old = load i64, ptr addrspace(1) %field
      %new = add i64 %old, %i
      store i64 %new, ptr addrspace(1) %field
      %next = add i64 %i, 1
      %again = icmp ult i64 %next, %n
      br i1 %again, label %loop, label %done
    done:
      %sum = load i64, ptr addrspace(1) %field
      ret i64 %sum
    })";

/// Until all are done; each is resumed by whoever finds it first.
void resume_in_threads(std::vector<std::unique_ptr<Fiber>> &fibers, unsigned thread_count) {
  const auto count = unsigned(fibers.size());
  std::vector<std::atomic_flag> taken(count);
  std::atomic<unsigned> turn = 0, left = count;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < thread_count; ++t)
    threads.emplace_back([&] {
      auto attached = cantFail(ThreadAttachment::attach());
      attached.run([&] {
        for (; left > 0; InProgram::poll()) {
          const unsigned i = turn++ % count;
          if (taken[i].test_and_set())
            continue;
          if (!fibers[i]->is_done() && !cantFail(fibers[i]->resume()))
            --left;
          taken[i].clear();
        }
      });
    });
  for (std::thread &thread : threads)
    thread.join();
}

TEST_CASE("Fibers go from thread to thread while objects move") {
  static Runtime *collected = nullptr;
  static CopyingHeap *heap = nullptr;
  CopyingHeap space;
  heap = &space;
  Runtime::Options options = options_with(GENERATE(Tier::Baseline, Tier::Optimized));
  options.reference_spaces = {1};
  options.host_symbols.emplace_back(
      "allocate", reinterpret_cast<std::uint64_t>(+[](std::uint64_t words) {
        SafepointOptions patient;
        patient.limit = std::chrono::seconds(60); // the machine may be busy
        cantFail(collected->at_safepoint([](Safepoint &point) { heap->collect(point); }, patient));
        return heap->allocate(0, std::uint32_t(words));
      }));
  auto runtime = runtime_with({counts_in_object}, std::move(options));
  collected = runtime.get();
  auto self = cantFail(ThreadAttachment::attach());
  auto *counting = reinterpret_cast<std::uint64_t (*)(std::uint64_t)>(cantFail(runtime->lookup("count")));
  constexpr unsigned count = 20, rounds = 8, thread_count = 3;
  std::vector<std::uint64_t> results(count);
  std::vector<std::unique_ptr<Fiber>> fibers;
  for (unsigned i = 0; i < count; ++i)
    fibers.push_back(cantFail(Fiber::create([&, i] { results[i] = counting(rounds); })));
  resume_in_threads(fibers, thread_count);
  CHECK(results == std::vector<std::uint64_t>(count, rounds * (rounds - 1) / 2));
  CHECK(space.collections == count * (rounds + 1));
}

} // namespace
} // namespace osr
