// Check that stress modes act on functions that come later, and that a fork leaves a runtime that can be used and closed.
#include "grow_fixture.h"
#include "osr/error.h"
#include "osr/fiber.h"

#include <atomic>
#include <latch>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

Runtime::Options stressed(StressMode mode) {
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.stress = std::move(mode);
  return options;
}

/// Frames that went elsewhere.
std::uint64_t transitions(Runtime &runtime) {
  const Statistics statistics = *runtime.snapshot();
  return statistics.transitions.in_place + statistics.transitions.continuation;
}

Runtime *stressed_runtime = nullptr;

/// Returns when a request has rewritten the frames that wait for it.
std::int64_t wait_for_request(std::int64_t) {
  while (stressed_runtime->snapshot()->requests.rewritten == 0)
    std::this_thread::yield();
  return 5;
}

TEST_CASE("Stress modes that go by time act on functions that come later") {
  const auto kind = GENERATE(StressMode::Kind::Async, StressMode::Kind::Churn);
  auto runtime = cantFail(Runtime::create(stressed({kind, 500, {}, {}})));
  stressed_runtime = runtime.get();
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(&wait_for_request)}}));
  cantFail(runtime->add(module_of(recursion)).takeError());
  CHECK(call(*runtime, "sum", 200) == 20105);
  CHECK(transitions(*runtime) > 0);
}

TEST_CASE("The function whose returns are stressed may come later") {
  auto runtime = cantFail(Runtime::create(stressed({StressMode::Kind::At, 1, "sum", {}})));
  cantFail(
      runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t { return 5; })}}));
  cantFail(runtime->add(module_of(recursion)).takeError());
  CHECK(call(*runtime, "sum", 200) == 20105);
  CHECK(transitions(*runtime) > 0);
}

TEST_CASE("A name that is removed and comes again has its address, and takes no other") {
  auto runtime = cantFail(Runtime::create());
  std::uint64_t first = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const ModuleId module =
        cantFail(runtime->add(module_of("define i64 @again() { ret i64 " + std::to_string(i) + " }")));
    const std::uint64_t address = cantFail(runtime->lookup("again"));
    first = i == 0 ? address : first;
    CHECK(address == first);
    CHECK(call(*runtime, "again") == i);
    cantFail(runtime->remove(module));
    runtime->reclaim();
    CHECK(runtime->address_of("again") == 0);
  }
}

TEST_CASE("Activations that were inlined are waited for, and not on the own stack") {
  static Runtime *running = nullptr;
  static std::latch *is_inside = nullptr, *go = nullptr;
  static ErrorCode own{};
  Runtime::Options options;
  options.tier = Tier::Optimized;
  auto runtime = runtime_with({"declare void @stop()\n"
                               "define i64 @inner(i64 %x) alwaysinline { call void @stop()\n"
                               "%y = mul i64 %x, 3\n ret i64 %y }\n"
                               "define i64 @outer(i64 %x) { %a = call i64 @inner(i64 %x)\n %b = add i64 %a, 1\n"
                               "ret i64 %b }"},
                              std::move(options));
  running = runtime.get();
  std::latch inside(1), leave(1);
  is_inside = &inside;
  go = &leave;
  cantFail(runtime->define({{"stop", reinterpret_cast<std::uint64_t>(+[] {
                               Error error =
                                   running->replace("inner", {Tier::Baseline, Frames::WaitQuiescent}).takeError();
                               own = code_of(error);
                               consumeError(std::move(error));
                               is_inside->count_down();
                               go->wait();
                             })}}));
  std::uint64_t result = 0;
  std::thread caller([&] { result = call(*runtime, "outer", 5); });
  inside.wait();
  unsigned activations = 0;
  cantFail(runtime->for_each_activation([&](const Activation &activation) {
    activations += activation.function == "inner";
    return true;
  }));
  CHECK(activations == 1);
  CHECK(own == ErrorCode::WrongState);
  std::atomic<unsigned> looks = 0;
  ReplaceOptions waits{.to = Tier::Baseline, .frames = Frames::WaitQuiescent};
  waits.progress = [&](const std::string &) {
    if (++looks == 3)
      leave.count_down();
  };
  const bool has_waited = bool(runtime->replace("inner", waits));
  if (looks < 3)
    leave.count_down();
  caller.join();
  CHECK(has_waited);
  CHECK(looks >= 3);
  CHECK(result == 16);
}

/// In the child of a fork: 0 if the runtime is whole there.
int use_in_child(std::unique_ptr<Runtime> &runtime, PendingRequest *pending) {
  if (call(*runtime, "sum", 3) != 11)
    return 1;
  if (pending) {
    Error error = pending->wait().takeError();
    const ErrorCode code = code_of(error);
    consumeError(std::move(error));
    if (code != ErrorCode::Cancelled)
      return 2;
  }
  if (Error error = Runtime::close(runtime))
    return consumeError(std::move(error)), 3;
  return 0;
}

int in_child(const std::function<int()> &work) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(work());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_CASE("The child of a fork can use and close a runtime that other threads were using") {
  auto runtime = runtime_with({recursion});
  cantFail(
      runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t { return 5; })}}));
  REQUIRE(call(*runtime, "sum", 3) == 11);
  std::atomic<bool> ends = false;
  std::thread other([&] {
    while (!ends)
      for (const Tier tier : {Tier::Baseline, Tier::Optimized})
        cantFail(runtime->replace("sum", {.to = tier}).takeError());
  });
  for (int i = 0; i < 30; ++i) {
    const std::shared_ptr<PendingRequest> pending = runtime->request("sum", {.to = Tier::Baseline, .recompile = true});
    CHECK(in_child([&] {
            const bool was_done = pending->is_done();
            return use_in_child(runtime, was_done ? nullptr : pending.get());
          }) == 0);
    cantFail(pending->wait().takeError());
  }
  ends = true;
  other.join();
}

TEST_CASE("A visitor of activations may fork") {
  static std::unique_ptr<Runtime> runtime;
  static int status = -1;
  runtime = runtime_with({recursion});
  cantFail(runtime->define({{"host", reinterpret_cast<std::uint64_t>(+[](std::int64_t) -> std::int64_t {
                               bool is_first = true;
                               cantFail(runtime->for_each_activation([&](const Activation &) {
                                 if (std::exchange(is_first, false))
                                   status = in_child([] { return 7; });
                                 return true;
                               }));
                               return 5;
                             })}}));
  CHECK(call(*runtime, "sum", 3) == 11);
  CHECK(status == 7);
  cantFail(Runtime::close(runtime));
}

} // namespace
} // namespace osr
