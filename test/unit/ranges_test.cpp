// Check that a collector which looks at words finds all objects of the program in the ranges that it is shown.
#include "grow_fixture.h"
#include "osr/fiber.h"

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <semaphore>
#include <thread>

using namespace llvm;

namespace osr {
namespace {

/// Frees, by overwriting, what no word leads to.
class ConservativeHeap {
public:
  void *allocate(std::size_t words) {
    std::lock_guard lock(mutex_);
    auto object = std::make_unique<std::uint64_t[]>(words);
    const auto address = reinterpret_cast<std::uint64_t>(object.get());
    objects_[address] = {std::move(object), words, false};
    return reinterpret_cast<void *>(address);
  }

  void collect(const Safepoint &safepoint) {
    for (auto &[address, object] : objects_)
      object.is_marked = false;
    safepoint.visit_ranges([&](const void *low, const void *high) {
      REQUIRE(low <= high);
      look_at(static_cast<const std::uint64_t *>(low), static_cast<const std::uint64_t *>(high));
    });
    while (!to_scan_.empty()) {
      const Object &object = *to_scan_.back();
      to_scan_.pop_back();
      look_at(object.words.get(), object.words.get() + object.count);
    }
    for (auto &[address, object] : objects_)
      if (!object.is_marked) {
        std::fill_n(object.words.get(), object.count, 0xdeaddeaddeaddead); // the memory stays, so that uses are seen
        garbage_.push_back(std::move(object.words));
      }
    freed += std::erase_if(objects_, [](const auto &each) { return !each.second.is_marked; });
    ++collections;
  }

  std::uint64_t collections = 0, freed = 0;

private:
  struct Object {
    std::unique_ptr<std::uint64_t[]> words;
    std::size_t count;
    bool is_marked;
  };

  __attribute__((no_sanitize("address"))) void look_at(const std::uint64_t *low, const std::uint64_t *high) {
    for (; low < high; ++low) {
      auto after = objects_.upper_bound(*low);
      if (after == objects_.begin())
        continue;
      auto &[address, object] = *std::prev(after);
      if (*low < address + object.count * 8 && !std::exchange(object.is_marked, true))
        to_scan_.push_back(&object);
    }
  }

  std::mutex mutex_;
  std::map<std::uint64_t, Object> objects_;
  std::vector<std::unique_ptr<std::uint64_t[]>> garbage_;
  std::vector<Object *> to_scan_;
};

ConservativeHeap *word_heap = nullptr;
Runtime *scanned = nullptr;
std::function<void()> waits;

SafepointOptions patient() {
  SafepointOptions options;
  options.objects_move = false;
  options.limit = std::chrono::seconds(60); // the machine may be busy
  return options;
}

void collect_words() {
  cantFail(scanned->at_safepoint([](Safepoint &safepoint) { word_heap->collect(safepoint); }, patient()));
}

/// Nodes are next, value.
constexpr const char *list_of_nodes = R"(
  declare ptr @allocate(i64)
  declare void @pause()
  define internal ptr @node(ptr %next, i64 %value) {
    %new = call ptr @allocate(i64 2)
    store ptr %next, ptr %new
    %field = getelementptr i64, ptr %new, i64 1
    store i64 %value, ptr %field
    ret ptr %new
  }
  define i64 @list(i64 %n) {
  entry:
    br label %loop
  loop:
    %i = phi i64 [ 0, %entry ], [ %i.next, %loop ]
    %list = phi ptr [ null, %entry ], [ %longer, %loop ]
    %longer = call ptr @node(ptr %list, i64 %i)
    %i.next = add i64 %i, 1
    %again = icmp ult i64 %i.next, %n
    br i1 %again, label %loop, label %wait
  wait:
    call void @pause()
    br label %sum
  sum:
    %at = phi ptr [ %longer, %wait ], [ %next, %sum ]
    %total = phi i64 [ 0, %wait ], [ %larger, %sum ]
    %field = getelementptr i64, ptr %at, i64 1
    %value = load i64, ptr %field
    %garbage = call ptr @node(ptr null, i64 %value)
    %larger = add i64 %total, %value
    %next = load ptr, ptr %at
    %end = icmp eq ptr %next, null
    br i1 %end, label %done, label %sum
  done:
    ret i64 %larger
  })";

constexpr std::uint64_t length = 40, expected = length * (length - 1) / 2;

struct Collected {
  ConservativeHeap space;
  std::unique_ptr<Runtime> runtime;
  std::uint64_t list = 0;

  explicit Collected(Tier tier) {
    word_heap = &space;
    Runtime::Options options;
    options.tier = tier;
    options.reference_spaces = {1}; // of which there are none
    options.host_symbols = {{"allocate", reinterpret_cast<std::uint64_t>(+[](std::uint64_t words) {
                               collect_words();
                               return word_heap->allocate(words);
                             })},
                            {"pause", reinterpret_cast<std::uint64_t>(+[] { waits(); })}};
    runtime = runtime_with({list_of_nodes}, std::move(options));
    scanned = runtime.get();
    list = cantFail(runtime->lookup("list"));
  }
};

TEST_CASE("What an activation uses is in the ranges at each allocation, and what it does not use is freed") {
  Collected here(GENERATE(Tier::Baseline, Tier::Optimized));
  waits = [] {};
  CHECK(call(*here.runtime, "list", length) == expected);
  CHECK(here.space.collections == 2 * length);
  CHECK(here.space.freed >= length / 2);
}

TEST_CASE("So is that of a thread which is away, and of a fiber that is suspended") {
  Collected here(GENERATE(Tier::Baseline, Tier::Optimized));
  std::binary_semaphore is_away(0), may_return(0);
  waits = [&] {
    if (Fiber::current())
      return cantFail(Fiber::suspend());
    AwayFromProgram away;
    is_away.release();
    may_return.acquire();
  };
  auto attached = cantFail(ThreadAttachment::attach());
  std::uint64_t of_thread = 0, of_fiber = 0;
  auto fiber = cantFail(Fiber::create([&] { of_fiber = attached.call(here.list, length); }));
  CHECK(cantFail(fiber->resume()));
  std::thread other([&] { of_thread = call(*here.runtime, "list", length); });
  is_away.acquire();
  for (unsigned i = 0; i < 10; ++i)
    collect_words();
  may_return.release();
  other.join();
  CHECK_FALSE(cantFail(fiber->resume()));
  CHECK(of_thread == expected);
  CHECK(of_fiber == expected);
}

TEST_CASE("A fiber that is given up while a collector looks at its stack stays until that is done") {
  Collected here(Tier::Baseline);
  waits = [] { cantFail(Fiber::suspend()); };
  auto attached = cantFail(ThreadAttachment::attach());
  auto fiber = cantFail(Fiber::create([&] { attached.call(here.list, length); }));
  CHECK(cantFail(fiber->resume()));
  std::thread other;
  std::atomic<bool> is_going = false;
  cantFail(here.runtime->at_safepoint(
      [&](Safepoint &safepoint) {
        other = std::thread([&] {
          is_going = true;
          fiber.reset();
        });
        while (!is_going)
          std::this_thread::yield();
        for (unsigned i = 0; i < 1000; ++i) // long enough for the other thread to have done it
          here.space.collect(safepoint);
      },
      patient()));
  other.join();
  collect_words();
}

} // namespace
} // namespace osr
