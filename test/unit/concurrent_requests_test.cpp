// Checks that threads of the host may ask for anything at once, while threads of the program run what they ask about.
#include "live_program.h"
#include "runtime/threads/start_thread.h"
#include "test/support/catch_header.h"

using namespace llvm;
using namespace osr;

namespace {

/// spin(n, expected) calls deep(n) until may_end is set, and returns how often the result was wrong. All code that it
/// runs is compiled code: threads are stopped nowhere else. Nobody runs idle.
constexpr const char *text = R"(
@spinning = global i64 0
@may_end = global i64 0
define i64 @leaf(i64 %n) noinline {
  %r = mul i64 %n, 7
  ret i64 %r
}
define i64 @deep(i64 %n) noinline {
  %is_end = icmp eq i64 %n, 0
  br i1 %is_end, label %end, label %more
more:
  %next = sub i64 %n, 1
  %below = call i64 @deep(i64 %next)
  %scaled = mul i64 %below, 3
  %result = add i64 %scaled, %n
  ret i64 %result
end:
  %seven = call i64 @leaf(i64 1)
  ret i64 %seven
}
define i64 @spin(i64 %n, i64 %expected) noinline {
  %before = call i64 @deep(i64 %n)
  %one_more = atomicrmw add ptr @spinning, i64 1 seq_cst
  br label %loop
loop:
  %wrong = phi i64 [ 0, %0 ], [ %wrong.next, %loop ]
  %result = call i64 @deep(i64 %n)
  %is_wrong = icmp ne i64 %result, %expected
  %more_wrong = zext i1 %is_wrong to i64
  %wrong.next = add i64 %wrong, %more_wrong
  %end = load atomic i64, ptr @may_end seq_cst, align 8
  %is_end = icmp ne i64 %end, 0
  br i1 %is_end, label %out, label %loop
out:
  %one_less = atomicrmw sub ptr @spinning, i64 1 seq_cst
  ret i64 %wrong.next
}
define i64 @idle(i64 %n) noinline {
  %r = call i64 @leaf(i64 %n)
  ret i64 %r
}
)";

LiveProgram &program() {
  static auto *live = new LiveProgram(text); // its thread never ends
  return *live;
}

Runtime &runtime() { return program().runtime(); }

std::uint64_t expected_deep(std::uint64_t n) { return n == 0 ? 7 : 3 * expected_deep(n - 1) + n; }

std::atomic_ref<std::uint64_t> variable(const std::string &name) {
  return std::atomic_ref(*reinterpret_cast<std::uint64_t *>(cantFail(runtime().engine().session().lookup(name))));
}

constexpr std::uint64_t depth = 20;

/// Runs spin() in the calling thread, a thread of the program. Returns how often a result was wrong.
std::uint64_t spin() { return program().call("spin", depth, expected_deep(depth)); }

void wait_until_spinning(std::uint64_t threads) {
  while (variable("spinning") != threads)
    std::this_thread::yield();
}

/// What went wrong in any thread.
class Failures {
public:
  template <typename Result> void note(Expected<Result> result) {
    if (result)
      return;
    std::lock_guard lock(mutex_);
    texts_ += toString(result.takeError()) + "\n";
  }
  std::string texts() const { return texts_; }

private:
  std::mutex mutex_;
  std::string texts_;
};

void ask(unsigned round, Failures &failures) {
  const Tier tier = round % 2 ? Tier::Baseline : Tier::Optimized;
  failures.note(runtime().replace("deep", {.to = tier}));
  auto pending = runtime().request("spin", {.to = tier});
  failures.note(runtime().replace("idle", {.to = tier, .recompile = round % 3 == 0}));
  runtime().snapshot();
  failures.note(pending->wait());
  runtime().reclaim();
}

/// What only one thread asks for.
void ask_alone(unsigned round, Failures &failures) {
  const Tier tier = round % 2 ? Tier::Baseline : Tier::Optimized;
  failures.note(runtime().replace("leaf", {.to = tier, .frames = Frames::WaitQuiescent}));
  const std::string ir =
      "define i64 @idle(i64 %n) noinline {\n  %r = mul i64 %n, " + std::to_string(round) + "\n  ret i64 %r\n}\n";
  failures.note(runtime().redefine("idle", MemoryBufferRef(ir, "idle")));
}

constexpr unsigned asking = 3, rounds = 12;

/// All threads that ask, from their begin to their end. Nothing is left for the runtime to do by itself afterwards: an
/// activation of spin() that no request caught in a call is asked for again.
void ask_in_threads(Failures &failures) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < asking; ++i)
    threads.emplace_back([&failures, i] {
      for (unsigned round = 0; round < rounds; ++round) {
        ask(round + i, failures);
        if (i == 0)
          ask_alone(round, failures);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  while (runtime().reclaim())
    failures.note(runtime().replace("spin", {.to = Tier::Baseline}));
}

} // namespace

// Each thread of the program spins before the next one begins, and until all requests are done. So none is ever stopped
// outside of compiled code, and ThreadSanitizer can run this: its runtime does not bear being interrupted by a stop.
TEST_CASE("Threads of the host replace, redefine, free and count at once while threads of the program run") {
  program().inside([] {
    Failures failures;
    std::atomic<std::uint64_t> wrong = 0;
    std::thread host([&] {
      wait_until_spinning(1); // the program's main thread
      std::atomic<bool> all_spin = false;
      std::thread counting([&] {
        do
          runtime().snapshot();
        while (!all_spin);
      });
      std::vector<std::thread> attached;
      for (unsigned i = 2; i <= 3; ++i) {
        attached.emplace_back([&] {
          cantFail(attach_thread());
          wrong += spin();
          detach_thread();
        });
        wait_until_spinning(i);
      }
      all_spin = true;
      counting.join();
      ask_in_threads(failures);
      variable("may_end") = 1;
      for (std::thread &thread : attached)
        thread.join();
    });
    wrong += spin();
    host.join();
    CHECK(wrong == 0);
    CHECK(failures.texts() == "");
    CHECK(program().call("idle", 3) == 3 * (rounds - 1));
    CHECK(runtime().snapshot()->most_threads == 3);
  });
}
