// Check that a host hears what its runtime does, in the thread that does it, and of nothing else.
#include "heard_events.h"

#include <csetjmp>
#include <latch>
#include <sys/syscall.h>
#include <thread>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

TEST_CASE("A listener hears of code from its making to its end, and of new bodies") {
  static Heard heard;
  static std::unique_ptr<Runtime> runtime;
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.listener = heard.listener();
  runtime = cantFail(Runtime::create(std::move(options)));
  const ModuleId module = cantFail(runtime->add(module_of(recursion)));
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t {
                               cantFail(runtime->replace("sum", {.to = Tier::Optimized}));
                               return 0;
                             })}}));
  CHECK(call(*runtime, "sum", 10) == 55);
  CHECK(heard.texts.at(0) == "compiled sum baseline (first call)");
  CHECK(heard.compiled_bytes > 0);
  CHECK(heard.compile_seconds > 0);
  INFO(heard.all());
  CHECK(heard.count("compiled sum optimized (request)") == 1);
  CHECK(heard.count("compiled sum optimized #") ==
        2); // continuations: behind the call of the host, behind the recursive one
  CHECK(heard.count("tier changed sum optimized 11 activations (request)") == 1);
  CHECK(heard.count("out of use sum baseline (request)") == 1);
  CHECK(std::ranges::all_of(heard.threads, [](pid_t thread) { return thread == gettid(); }));

  cantFail(runtime->redefine("sum", MemoryBufferRef("define i64 @sum(i64 %n) { ret i64 %n }", "new")));
  INFO(heard.all());
  CHECK(heard.count("redefined sum") == 1);
  CHECK(heard.count("out of use sum optimized (redefinition)") >= 1);
  CHECK_FALSE(runtime->reclaim()); // or its thread was faster
  CHECK(heard.count("freed sum baseline") == 1);
  cantFail(runtime->remove(module));
  CHECK(heard.count("removed sum") == 1);
  cantFail(runtime->add(module_of("declare void @missing()\ndefine void @f() { call void @missing()\n ret void }")));
  CHECK_THAT(toString(runtime->lookup("f").takeError()), Contains("missing"));
  CHECK_THAT(heard.texts.back(), Contains("not compiled f baseline") && Contains("missing"));
  cantFail(Runtime::close(runtime));
}

TEST_CASE("A listener hears which guard was left, and when optimised code does not last") {
  Heard heard, other;
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.most_guard_failures = 2;
  options.listener = heard.listener();
  Runtime::Options second;
  second.listener = other.listener();
  auto runtime = runtime_with({guarded_bits}, std::move(options)), bystander = runtime_with({}, std::move(second));
  for (const std::uint64_t bit : {1u, 2u, 4u})
    for (int i = 0; i < 2; ++i)
      CHECK(call(*runtime, "bits", bit) == bit + 1000);
  INFO(heard.all());
  CHECK(heard.count("exited bits optimized #0 1 activations (guard)") == 2);
  CHECK(heard.count("exited bits optimized #2 1 activations (guard)") == 2);
  CHECK(heard.count("dropped bits optimized #") == 3);
  CHECK(heard.count("out of use bits optimized (failed guard)") == 3);
  CHECK(heard.count("cycle bits optimized 3 times") == 1);
  CHECK(heard.count("cycle") == 1);
  CHECK(other.texts.empty());
}

/// What two runs of the same calls have done.
std::string heard_in_a_run() {
  Heard heard;
  Runtime::Options options;
  options.tier_up.policy = std::make_shared<CountingPolicy>(50);
  options.deterministic = true;
  options.listener = heard.listener();
  auto runtime = runtime_with({guarded_bits, R"(
    declare i64 @bits(i64)
    define i64 @calls(i64 %n) {
      br label %loop
    loop:
      %i = phi i64 [ 0, %0 ], [ %next, %loop ]
      %s = phi i64 [ 0, %0 ], [ %sum, %loop ]
      %b = call i64 @bits(i64 %i)
      %sum = add i64 %s, %b
      %next = add i64 %i, 8
      %more = icmp ult i64 %next, %n
      br i1 %more, label %loop, label %end
    end:
      ret i64 %sum
    })"},
                              std::move(options));
  CHECK(call(*runtime, "calls", 8000) == 3'996'000);
  CHECK(std::ranges::all_of(heard.threads, [](pid_t thread) { return thread == gettid(); }));
  INFO(heard.all());
  CHECK(heard.count("tier changed calls optimized 1 activations (hot loop)") == 1);
  return heard.all();
}

TEST_CASE("A deterministic runtime does the same in each run, in the thread that runs") {
  const std::string first = heard_in_a_run();
  for (int i = 0; i < 5; ++i)
    CHECK(heard_in_a_run() == first);
}

TEST_CASE("A guard whose activation cannot leave asks the host how to go on") {
  static std::jmp_buf place;
  static std::string why;
  Runtime::Options options;
  options.tier = Tier::Optimized;
  options.mechanism = Mechanism::ReturnPoint; // to be left, its code is patched while all threads are stopped
  options.stops.limit = std::chrono::milliseconds(50);
  options.cannot_go_on = [](StringRef reason) {
    why = reason.str();
    std::longjmp(place, 1);
  };
  auto runtime = runtime_with({guarded_bits}, std::move(options));
  std::latch is_deaf(1), go(1);
  std::thread deaf([&] {
    auto thread = cantFail(ThreadAttachment::attach());
    std::uint64_t all = ~std::uint64_t(0), before = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all));
    is_deaf.count_down();
    go.wait();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, sizeof(before));
  });
  auto thread = cantFail(ThreadAttachment::attach());
  const std::uint64_t bits = cantFail(runtime->lookup("bits"));
  CHECK(thread.call(bits, 8) == 8);
  is_deaf.wait();
  if (setjmp(place) == 0) {
    thread.call(bits, 1);
    FAIL("control came back");
  }
  CHECK_THAT(why, Contains("guard") && Contains("cannot leave"));
  go.count_down();
  deaf.join();
  CHECK(thread.call(bits, 1) == 1001);
}

} // namespace
} // namespace osr
