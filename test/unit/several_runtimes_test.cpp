// Check that several runtimes live in one process: their functions call each other, in the same threads, while requests replace
// frames of both and exceptions pass through both.
#include "grow_fixture.h"
#include "osr/fiber.h"

#include <llvm/ADT/ScopeExit.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace llvm;
using Catch::Matchers::Contains;

namespace osr {
namespace {

template <typename Function> std::uint64_t address(Function *function) {
  return reinterpret_cast<std::uint64_t>(function);
}

/// Goes down by calling the other runtime's function through the host, and says on the way up, of each exception too, that it
/// came by.
std::string half(const std::string &name) {
  return fmt::format(R"(
    declare i64 @other(i64)
    declare i64 @bottom(i64)
    declare void @note(i64)
    declare i32 @__gxx_personality_v0(...)
    define i64 @{0}(i64 %n) personality ptr @__gxx_personality_v0 {{
      %twice = mul i64 %n, 2
      %stop = icmp eq i64 %n, 0
      br i1 %stop, label %end, label %more
    end:
      %last = call i64 @bottom(i64 %twice)
      ret i64 %last
    more:
      %less = sub i64 %n, 1
      %rest = invoke i64 @other(i64 %less) to label %on unwind label %away
    on:
      %sum = add i64 %rest, %twice
      ret i64 %sum
    away:
      %exception = landingpad {{ ptr, i32 }} cleanup
      call void @note(i64 %n)
      resume {{ ptr, i32 }} %exception
    }})",
                     name);
}

using Number = std::uint64_t(std::uint64_t);

/// Two runtimes whose functions `left` and `right` call each other.
struct Pair {
  std::array<std::unique_ptr<Runtime>, 2> runtimes;
  std::array<std::atomic<Number *>, 2> functions;
  std::function<std::uint64_t(std::uint64_t)> at_bottom = [](std::uint64_t n) { return n; };
  std::atomic<std::uint64_t> notes = 0, sum_of_notes = 0;

  static Pair *current;
  static constexpr std::array names = {"left", "right"};

  explicit Pair(Runtime::Options left = {.tier = Tier::Baseline}, Runtime::Options right = {.tier = Tier::Baseline}) {
    current = this;
    for (unsigned i = 0; i < 2; ++i) {
      Runtime::Options &options = i ? right : left;
      const auto other = i ? +[](std::uint64_t n) { return current->functions[0].load()(n); }
                           : +[](std::uint64_t n) { return current->functions[1].load()(n); };
      options.host_symbols = {{"other", address(other)},
                              {"bottom", address(+[](std::uint64_t n) { return current->at_bottom(n); })},
                              {"note", address(+[](std::uint64_t n) {
                                 ++current->notes;
                                 current->sum_of_notes += n;
                               })}};
      runtimes[i] = runtime_with({half(names[i])}, std::move(options));
      functions[i] = reinterpret_cast<Number *>(cantFail(runtimes[i]->lookup(names[i])));
    }
  }

  std::uint64_t replace(unsigned which, Tier to) {
    return cantFail(runtimes[which]->replace(names[which], {.to = to})).rewritten;
  }
  std::uint64_t transitions(unsigned which) {
    const Statistics now = *runtimes[which]->snapshot();
    return now.transitions.in_place + now.transitions.continuation;
  }
};
Pair *Pair::current = nullptr;

constexpr std::uint64_t sum_to(std::uint64_t n) { return n * (n + 1); } // of twice the numbers

TEST_CASE("Frames of two runtimes lie between each other, and requests to each replace its own") {
  Pair pair;
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
  Pair pair;
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
  Pair pair;
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

TEST_CASE("A runtime is closed while threads are in others, and not while one is in it") {
  Pair pair;
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
    runtimes[i] = runtime_with({R"(
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
      })"},
                               std::move(options));
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

TEST_CASE("Policies of two runtimes notice what is hot in their own code") {
  Runtime::Options options;
  options.tier_up.policy = std::make_shared<CountingPolicy>();
  options.tier_up.compile_threads = 0;
  Pair pair(options, options);
  auto attached = cantFail(ThreadAttachment::attach());
  const auto optimized = [&](unsigned which) { return pair.runtimes[which]->snapshot()->tier_up.functions.size(); };
  for (unsigned i = 0; i < 1'000'000 && optimized(0) + optimized(1) < 2; ++i)
    REQUIRE(attached.call(address(pair.functions[i % 2].load()), 40) == sum_to(40));
  CHECK(optimized(0) == 1);
  CHECK(optimized(1) == 1);
}

TEST_CASE("Fibers are resumed by functions of one runtime and wait in functions of the other") {
  Pair pair;
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

TEST_CASE("The child of a fork has both runtimes") {
  Pair pair;
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
  const char *program = R"(
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
  const auto options = [] {
    Runtime::Options result;
    result.host_symbols = {{"note", address(+[](std::uint64_t n) { noted.push_back(std::to_string(n)); })},
                           {"triple", cantFail(grows->lookup("triple"))}};
    return result;
  };
  for (unsigned round = 0; round < 2; ++round) {
    auto whole = cantFail(Runtime::create(module_of(program), options()));
    CHECK_THAT(toString(Runtime::create(module_of(program), options()).takeError()),
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
