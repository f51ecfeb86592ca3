// Checks requests for functions that sit in loops without calls, in a running program.
#include "compiler/target/target.h"
#include "runtime/engine/engine.h"
#include "runtime/facade/create_runtime.h"
#include "test/support/catch_header.h"

#include <llvm/AsmParser/Parser.h>
#include <llvm/Support/SourceMgr.h>

#include <sched.h>
#include <thread>

using namespace llvm;
using namespace osr;

namespace {

// main runs one loop after the other. Each counts in @progress until @stop is its number, and returns how often it
// went round in two ways that must agree, whatever became of its frame meanwhile.
constexpr const char *text = R"(
  @progress = global i64 0
  @at = global i64 0
  @stop = global i64 0
  @ring = global [3 x ptr] [ptr getelementptr (ptr, ptr @ring, i64 1), ptr getelementptr (ptr, ptr @ring, i64 2),
                            ptr @ring]
  @failures = global i64 0
  declare void @abort()
  declare ptr @memcpy(ptr, ptr, i64)

  define i64 @spins(i64 %phase, i64 %three) noinline {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %inext, %loop ]
    %j = phi i64 [ 0, %0 ], [ %jnext, %loop ]
    %f = phi double [ 0.0, %0 ], [ %fnext, %loop ]
    %inext = add i64 %i, 1
    %jnext = add i64 %j, %three
    %fnext = fadd double %f, 1.0
    store volatile i64 %inext, ptr @progress
    %stop = load volatile i64, ptr @stop
    %go = icmp ne i64 %stop, %phase
    br i1 %go, label %loop, label %done
  done:
    %k = mul i64 %i, %three
    %fi = fptosi double %f to i64
    %fk = mul i64 %fi, %three
    %d = sub i64 %j, %k
    %e = sub i64 %fk, %k
    %r = or i64 %d, %e
    ret i64 %r
  }

  define i64 @chases(i64 %phase) noinline {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %inext, %latch ]
    %p = phi ptr [ @ring, %0 ], [ %next, %latch ]
    %next = load ptr, ptr %p
    %inext = add i64 %i, 1
    store volatile i64 %inext, ptr @progress
    %lost = icmp eq ptr %next, null
    br i1 %lost, label %done, label %latch
  latch:
    %stop = load volatile i64, ptr @stop
    %go = icmp ne i64 %stop, %phase
    br i1 %go, label %loop, label %done
  done:
    %a = ptrtoint ptr %p to i64
    %b = ptrtoint ptr @ring to i64
    %c = sub i64 %a, %b
    %m = urem i64 %i, 3
    %n = mul i64 %m, 8
    %r = sub i64 %c, %n
    ret i64 %r
  }

  define i64 @irreducible(i64 %phase, i1 %entry) noinline {
    br i1 %entry, label %a, label %b
  a:
    %i = phi i64 [ 0, %0 ], [ %inext, %b ]
    %stop = load volatile i64, ptr @stop
    %go = icmp ne i64 %stop, %phase
    br i1 %go, label %b, label %done
  b:
    %j = phi i64 [ 0, %0 ], [ %i, %a ]
    %inext = add i64 %j, 1
    store volatile i64 %inext, ptr @progress
    br label %a
  done:
    %last = load volatile i64, ptr @progress
    %r = sub i64 %last, %i
    ret i64 %r
  }

  define i64 @copies(i64 %phase, ptr %from) noinline {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %inext, %loop ]
    %inext = add i64 %i, 1
    store volatile i64 %inext, ptr @progress
    %size = and i64 %inext, 1
    %x = call ptr @memcpy(ptr %from, ptr %from, i64 %size)
    %stop = load volatile i64, ptr @stop
    %go = icmp ne i64 %stop, %phase
    br i1 %go, label %loop, label %done
  done:
    %last = load volatile i64, ptr @progress
    %r = sub i64 %last, %inext
    ret i64 %r
  }

  define internal i64 @inner(i64 %phase) alwaysinline {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %inext, %loop ]
    %inext = add i64 %i, 1
    store volatile i64 %inext, ptr @progress
    %stop = load volatile i64, ptr @stop
    %go = icmp ne i64 %stop, %phase
    br i1 %go, label %loop, label %done
  done:
    ret i64 %inext
  }
  define i64 @outer(i64 %phase, i64 %x) noinline {
    %i = call i64 @inner(i64 %phase)
    %last = load volatile i64, ptr @progress
    %d = sub i64 %last, %i
    %y = sub i64 %x, 7
    %r = or i64 %d, %y
    ret i64 %r
  }

  define i64 @counted(i64 %phase, i64 %count) noinline {
    br label %loop
  loop:
    %i = phi i64 [ 0, %0 ], [ %inext, %latch ]
    %inext = add nuw nsw i64 %i, 1
    store volatile i64 %inext, ptr @progress
    %stop = load volatile i64, ptr @stop
    %go = icmp ne i64 %stop, %phase
    br i1 %go, label %latch, label %done
  latch:
    %more = icmp ult i64 %inext, %count
    br i1 %more, label %loop, label %done
  done:
    %last = load volatile i64, ptr @progress
    %r = sub i64 %last, %inext
    ret i64 %r
  }

  define void @judge(i64 %phase, i64 %result) noinline {
    %wrong = icmp ne i64 %result, 0
    %w = zext i1 %wrong to i64
    %f = load i64, ptr @failures
    %g = add i64 %f, %w
    store i64 %g, ptr @failures
    %next = add i64 %phase, 1
    store volatile i64 %next, ptr @at
    ret void
  }
  define i32 @main() {
    store volatile i64 1, ptr @at
    %a = call i64 @spins(i64 1, i64 3)
    call void @judge(i64 1, i64 %a)
    %b = call i64 @chases(i64 2)
    call void @judge(i64 2, i64 %b)
    %c = call i64 @irreducible(i64 3, i1 1)
    call void @judge(i64 3, i64 %c)
    %d = call i64 @copies(i64 4, ptr @failures)
    call void @judge(i64 4, i64 %d)
    %e = call i64 @outer(i64 5, i64 7)
    call void @judge(i64 5, i64 %e)
    %f = call i64 @counted(i64 6, i64 4611686018427387904)
    call void @judge(i64 6, i64 %f)
    %failures = load i64, ptr @failures
    %r = trunc i64 %failures to i32
    ret i32 %r
  })";

CanonicalProgram parsed(LLVMContext &context) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, context);
  INFO(diagnostic.getMessage().str() << " in line " << diagnostic.getLineNo());
  REQUIRE(module);
  auto machine = cantFail(create_target_machine(CodegenLevel::Optimizing));
  return cantFail(canonicalize(std::move(module), *machine));
}

/// The other side: asks for replacements while the loops run, and ends them.
class Requester {
public:
  explicit Requester(Runtime &runtime) : runtime_(runtime) {}

  /// Follows the phase from when its loop runs to its end.
  template <typename Ask> void during(std::uint64_t phase, Ask &&ask) {
    while (word("at").load() != phase)
      sched_yield();
    wait_for_progress();
    ask();
    word("stop") = phase;
  }

  /// The frame in the loop is the only one. When this returns it goes round in the new code. A thread that got no
  /// processor time while the request was patient stays; then it is asked for again.
  void expect_replaced(StringRef function, Tier to) {
    std::string which = function.str() + " to " + to_string(to);
    ReplaceOutcome outcome = cantFail(runtime_.replace(function, {.to = to}));
    for (int tries = 1; outcome.running == 1 && tries < most_tries; ++tries)
      outcome = cantFail(runtime_.replace(function, {.to = to}));
    if (outcome.rewritten != 1 || outcome.at_polls != 1 || outcome.running != 0 || !outcome.refused.empty())
      problems.push_back(fmt::format("{}: {} rewritten, {} at polls, {} running", which, outcome.rewritten,
                                     outcome.at_polls, outcome.running));
    wait_for_progress();
  }

  void expect_running(StringRef function, Tier to) {
    ReplaceOutcome outcome = cantFail(runtime_.replace(function, {.to = to}));
    if (outcome.rewritten != 0 || outcome.running != 1)
      problems.push_back(fmt::format("{} was not left running: {} rewritten", function.str(), outcome.rewritten));
  }

  void back_and_forth(StringRef function) {
    for (int round = 0; round < 3; ++round) {
      expect_replaced(function, Tier::Baseline);
      expect_replaced(function, Tier::Optimized);
    }
  }

  static constexpr int most_tries = 1000;

  std::vector<std::string> problems; ///< checks do not work in two threads

private:
  std::atomic_ref<std::uint64_t> word(StringRef name) {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t *>(cantFail(runtime_.engine().session().lookup(name))));
  }

  void wait_for_progress() {
    for (std::uint64_t seen = word("progress"); word("progress") == seen;)
      sched_yield();
  }

  Runtime &runtime_;
};

} // namespace

TEST_CASE("A function in an endless loop without a call is replaced in both directions, and its loop goes on") {
  LLVMContext context;
  auto runtime = cantFail(create_runtime(parsed(context), {.tier = Tier::Optimized}));
  Requester requester(*runtime);
  std::thread thread([&] {
    requester.during(1, [&] { requester.back_and_forth("spins"); });
    requester.during(2, [&] { requester.back_and_forth("chases"); });
    requester.during(3, [&] { requester.back_and_forth("irreducible"); });
    requester.during(4, [&] { requester.back_and_forth("copies"); });
    requester.during(5, [&] { // inlined: both frames come out of the one
      requester.expect_replaced("inner", Tier::Baseline);
      requester.expect_replaced("inner", Tier::Optimized);
      requester.expect_replaced("inner", Tier::Baseline);
    });
    // One without a poll costs some patience and stays.
    requester.during(6, [&] { requester.expect_running("counted", Tier::Baseline); });
  });
  int status = cantFail(runtime->run_main({"loops"}));
  thread.join();
  for (const std::string &problem : requester.problems)
    FAIL_CHECK(problem);
  CHECK(status == 0);
  const Statistics &statistics = runtime->engine().statistics();
  CHECK(statistics.transitions.in_place >= 13);
  CHECK(statistics.transitions.continuation >= 13);
  CHECK(statistics.transitions.split == 1);
  CHECK(statistics.requests.at_polls == statistics.requests.rewritten);
  CHECK(statistics.requests.running >= 1);
}
