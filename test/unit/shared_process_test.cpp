// Check what several runtimes of a process share, and what is each one's own: hosts, forks, signals, what a process has once.
#include "runtime_pair.h"

#include <array>
#include <atomic>
#include <dlfcn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

/// A function that cannot be compiled, and one whose guard fails.
const char *cannot_go_on = R"(
      declare i64 @missing(i64)
      declare void @llvm.experimental.guard(i1, ...)
      define i64 @broken(i64 %x) {
        %y = call i64 @missing(i64 %x)
        ret i64 %y
      }
      define i64 @guarded(i64 %x) {
        %good = icmp ult i64 %x, 10
        call void (i1, ...) @llvm.experimental.guard(i1 %good) [ "deopt"(i64 %x) ]
        ret i64 1
      }
      define i64 @calls(i64 %x) {
        %y = call i64 @broken(i64 %x)
        ret i64 %y
      })";

const char *whole_program = R"(
    declare void @note(i64)
    declare i64 @triple(i64)
    declare i32 @atexit(ptr)
    define void @last() {
      call void @note(i64 1)
      ret void
    }
    define i32 @main() {
      %registered = call i32 @atexit(ptr @last)
      %x = call i64 @triple(i64 14)
      call void @note(i64 %x)
      %status = trunc i64 %x to i32
      ret i32 %status
    })";

TEST_CASE("A runtime is closed while threads are in others, and not while one is in it") {
  RuntimePair pair;
  auto idle = runtime_with({"define i64 @one() { ret i64 1 }"});
  CHECK(call(*idle, "one") == 1);
  std::array<std::string, 2> refused;
  std::string refused_idle = "not asked";
  pair.at_bottom = [&](std::uint64_t n) {
    for (unsigned which : {0u, 1u})
      refused[which] = toString(Runtime::close(pair.runtimes[which]));
    std::thread([&] { refused_idle = toString(Runtime::close(idle)); }).join();
    return n;
  };
  auto attached = cantFail(ThreadAttachment::attach());
  CHECK(attached.call(address(pair.functions[0].load()), 5) == sum_to(5));
  CHECK_THAT(refused[0], Contains("is in 'left'"));
  CHECK_THAT(refused[1], Contains("is in 'right'"));
  CHECK(refused_idle.empty());
  CHECK_FALSE(idle);
  // The other is called on when one has gone.
  pair.functions[0] = [](std::uint64_t n) { return n; };
  cantFail(Runtime::close(pair.runtimes[0]));
  CHECK(attached.call(address(pair.functions[1].load()), 5) == 10 + 4);
}

TEST_CASE("Each runtime asks its own host what to do where compiled code cannot go on") {
  static std::string asked;
  std::array<std::unique_ptr<Runtime>, 2> runtimes;
  const auto instead =
      std::array{+[](std::uint64_t) { return std::uint64_t(70); }, +[](std::uint64_t) { return std::uint64_t(80); }};
  for (unsigned i = 0; i < 2; ++i) {
    Runtime::Options options;
    options.compile_failed = [i, &instead](StringRef function, StringRef) {
      asked += fmt::format("{}{} ", function.str(), i);
      return address(instead[i]);
    };
    options.deoptimize = [i](const DeoptimizedFrame &frame) -> DeoptimizedResult {
      asked += fmt::format("left{} ", i);
      return {frame.state.front().words.front() + i, 0};
    };
    runtimes[i] = runtime_with({cannot_go_on}, std::move(options));
  }
  for (unsigned i : {1u, 0u}) {
    asked.clear();
    CHECK(call(*runtimes[i], "calls", 1) == 70 + 10 * i);
    CHECK(asked == fmt::format("broken{} ", i));
    CHECK(call(*runtimes[i], "guarded", 3) == 1);
    CHECK(call(*runtimes[i], "guarded", 30) == 30 + i);
    CHECK(asked == fmt::format("broken{0} left{0} ", i));
    CHECK(runtimes[i]->snapshot()->guards.failed == 1);
    CHECK(runtimes[1 - i]->snapshot()->guards.failed == (i == 0 ? 1u : 0u));
  }
}

TEST_CASE("A fork waits for runtimes that other threads are making, and its child makes some, too") {
  std::atomic<bool> ends = false;
  std::atomic<unsigned> made = 0;
  std::thread maker([&] {
    while (!ends) {
      auto runtime = runtime_with({"define i64 @one() { ret i64 1 }"});
      ++made;
    }
  });
  for (unsigned round = 0, last = 0; round < 20; ++round) {
    while (made == last) // it is at work
      std::this_thread::yield();
    last = made;
    const pid_t child = fork();
    if (child == 0) {
      alarm(60);
      _exit(call(*runtime_with({"define i64 @seven() { ret i64 7 }"}), "seven") == 7 ? 7 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 7));
  }
  ends = true;
  maker.join();
}

TEST_CASE("A library that forks while it is loaded has a runtime on both sides") {
  Runtime::Options options;
  options.libraries = {OSR_FORKING_LIBRARY};
  auto other = runtime_with({"define i64 @five() { ret i64 5 }"}); // is there on both sides, too
  auto runtime = runtime_with({"define i64 @seven() { ret i64 7 }"}, std::move(options));
  void *library = dlopen(OSR_FORKING_LIBRARY, RTLD_LAZY | RTLD_NOLOAD);
  REQUIRE(library);
  const bool is_right = call(*runtime, "seven") == 7 && call(*other, "five") == 5;
  if (*static_cast<int *>(dlsym(library, "osr_test_is_child"))) {
    const bool is_closed = !errorToBool(Runtime::close(runtime));
    _exit(is_right && is_closed && call(*other, "five") == 5 ? 7 : 8);
  }
  CHECK(is_right);
  const int status = *static_cast<int *>(dlsym(library, "osr_test_child_status"));
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE("The child of a fork has both runtimes") {
  RuntimePair pair;
  auto attached = cantFail(ThreadAttachment::attach());
  std::atomic<bool> ends = false;
  std::thread busy([&] { // its locks must not be taken for ever in the child
    for (unsigned i = 0; !ends; ++i)
      pair.replace(i / 2 % 2, i % 2 ? Tier::Baseline : Tier::Optimized);
  });
  std::atomic<pid_t> child = -1;
  std::uint64_t rewritten = 0;
  pair.at_bottom = [&](std::uint64_t n) {
    child = fork();
    if (child == 0)
      for (unsigned which : {0u, 1u})
        for (const Tier to : {Tier::Optimized, Tier::Baseline})
          rewritten += pair.replace(which, to);
    return n;
  };
  for (unsigned round = 0; round < 5; ++round) {
    const std::uint64_t result = attached.call(address(pair.functions[round % 2].load()), 20);
    if (child == 0) {
      const bool moved = rewritten > 0 && pair.transitions(0) + pair.transitions(1) > 0;
      _exit(result == sum_to(20) && moved && call(*pair.runtimes[1], "right", 0) == 0 ? 7 : 8);
    }
    CHECK(result == sum_to(20));
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 7);
  }
  ends = true;
  busy.join();
}

TEST_CASE("What a process has once is one whole program's, beside runtimes that grow") {
  static std::unique_ptr<Runtime> grows;
  static std::vector<std::string> noted;
  noted.clear();
  grows = runtime_with({"define i64 @triple(i64 %x) { %y = mul i64 %x, 3\n ret i64 %y }"});
  const auto options = [] {
    Runtime::Options result;
    result.host_symbols = {{"note", address(+[](std::uint64_t n) { noted.push_back(std::to_string(n)); })},
                           {"triple", cantFail(grows->lookup("triple"))}};
    return result;
  };
  for (unsigned round = 0; round < 2; ++round) {
    auto whole = cantFail(Runtime::create(module_of(whole_program), options()));
    CHECK_THAT(toString(Runtime::create(module_of(whole_program), options()).takeError()),
               Contains("whole program in this process already"));
    {
      auto attached = cantFail(ThreadAttachment::attach());
      CHECK_THAT(toString(whole->run_main({"program"}).takeError()), Contains("not attached"));
    }
    CHECK(cantFail(whole->run_main({"program"})) == 42);
    auto second = runtime_with({"define i64 @one() { ret i64 1 }"}); // while the first is not closed
    CHECK(call(*second, "one") == 1);
    CHECK_THAT(toString(whole->run_main({"program"}).takeError()), Contains("already"));
    whole.reset();
    CHECK(call(*second, "one") == 1);
  }
  CHECK(noted == std::vector<std::string>{"42", "1", "42", "1"});
  grows.reset();
}

TEST_CASE("Runtimes of one process stop threads by one signal") {
  Runtime::Options other;
  other.stops.signal_number = SIGRTMAX - 3;
  {
    auto runtime = runtime_with({"define i64 @one() { ret i64 1 }"});
    CHECK_THAT(toString(Runtime::create(other).takeError()), Contains(std::to_string(SIGRTMAX - 2)));
    CHECK(call(*runtime, "one") == 1);
  }
  const auto handler = [](int number) {
    struct sigaction action{};
    sigaction(number, nullptr, &action);
    return action.sa_sigaction;
  };
  const auto before = handler(SIGRTMAX - 3);
  {
    auto runtime = runtime_with({recursion, "define i64 @host(i64 %x) { ret i64 %x }"}, other);
    CHECK(call(*runtime, "sum", 10) == 55);
    CHECK(handler(SIGRTMAX - 3) != before);
    cantFail(runtime->replace("sum", {.to = Tier::Baseline}));
  }
  CHECK(handler(SIGRTMAX - 2) == handler(SIGRTMAX - 3)); // of nobody
}

TEST_CASE("Who came in before there was a runtime with references is no secret from its collector") {
  static std::unique_ptr<Runtime> plain, collects;
  static std::vector<std::string> refusals;
  static bool by_pointer;
  refusals.clear();
  const auto look = +[](std::uint64_t) {
    refusals.push_back(toString(collects->at_safepoint([](Safepoint &) {}, {.limit = std::chrono::seconds(60)})));
  };
  const auto host = +[](std::uint64_t n, std::uint64_t look_address) {
    if (!collects)
      collects = runtime_with({R"(
        declare void @look(i64)
        define i64 @g(i64 %n, ptr addrspace(1) %r) {
          call void @look(i64 %n)
          %none = icmp eq ptr addrspace(1) %r, null
          %x = zext i1 %none to i64
          ret i64 %x
        })"},
                              {.host_symbols = {{"look", look_address}}, .reference_spaces = {1}});
    const std::uint64_t g = cantFail(collects->lookup("g"));
    return by_pointer ? reinterpret_cast<Number *>(g)(n) : cantFail(ThreadAttachment::attach()).call(g, n);
  };
  plain = runtime_with({"declare i64 @host(i64, i64)\n"
                        "define i64 @f(i64 %n, i64 %look) { %x = call i64 @host(i64 %n, i64 %look)\n ret i64 %x }"},
                       {.host_symbols = {{"host", address(host)}}});
  for (const bool pointer : {true, false}) {
    by_pointer = pointer;
    call(*plain, "f", 5, address(look));
  }
  REQUIRE(refusals.size() == 2);
  CHECK_THAT(refusals[0], Contains("called a function of the program by its address"));
  CHECK(refusals[1].empty());
  cantFail(Runtime::close(collects));
  cantFail(Runtime::close(plain));
}

} // namespace
} // namespace osr
