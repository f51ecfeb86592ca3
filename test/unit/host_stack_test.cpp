// Check that what waits on stacks which the host changes by code of its own is replaced like what waits on others, and that wrong
// words about such changes are errors.
#include "grow_fixture.h"
#include "osr/host_stack.h"

#include <array>
#include <stdexcept>
#include <sys/mman.h>
#include <thread>
#include <ucontext.h>

using namespace llvm;
using Catch::Matchers::Contains;

extern "C" {
/// The host's own: pushes what a call must keep, takes the other stack, and pops.
void host_switch(void **left, void *entered);
/// Where a new stack of the host's begins: calls what it finds there.
void host_begin();
}
asm(R"(
        .text
        .globl  host_switch
host_switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .globl  host_begin
host_begin:
        movq    %r12, %rdi
        call    *%r13
        ud2
)");

namespace osr {
namespace {

constexpr std::size_t stack_bytes = HostStack::least_stack;

/// A coroutine as a host might have it: a stack, and how to change to it.
struct Coroutine {
  char *memory = static_cast<char *>(
      mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  std::unique_ptr<HostStack> stack = cantFail(HostStack::at(memory, stack_bytes));
  void *sp = nullptr, *sp_of_resumer = nullptr;
  HostStack *resumer = nullptr;
  std::function<void()> work;
  std::string problem; ///< at its beginning
  bool is_done = false;

  explicit Coroutine(std::function<void()> work) : work(std::move(work)) { be_new(); }
  ~Coroutine() {
    stack.reset();
    munmap(memory, stack_bytes);
  }

  void be_new() {
    auto *top = reinterpret_cast<void **>(memory + stack_bytes) - 9; // host_begin finds sp aligned
    top[6] = reinterpret_cast<void *>(&host_begin); // r15 to rbp below
    top[3] = this; // r12
    top[2] = reinterpret_cast<void *>(+[](Coroutine *self) { self->run(); });
    sp = top;
  }

  void run() {
    problem = toString(stack->begin([this] { work(); }));
    is_done = true;
    consumeError(stack->change_to(*resumer, [this] { host_switch(&sp, sp_of_resumer); }));
  }
  Error resume(HostStack &from) {
    resumer = &from;
    return from.change_to(*stack, [this] { host_switch(&sp_of_resumer, sp); });
  }
  Error yield() {
    return stack->change_to(*resumer, [this] { host_switch(&sp, sp_of_resumer); });
  }
};

Coroutine *running = nullptr;

const char *waiting_program = R"(
  declare void @yield()
  define i64 @wait(i64 %n) {
    %deep = icmp eq i64 %n, 0
    br i1 %deep, label %end, label %more
  end:
    call void @yield()
    call void @yield()
    ret i64 0
  more:
    %less = sub i64 %n, 1
    %x = call i64 @wait(i64 %less)
    %y = add i64 %x, %n
    ret i64 %y
  })";

using WaitOnce = std::uint64_t(std::uint64_t);

std::string heard; ///< all that yields were told

struct Host {
  std::unique_ptr<Runtime> runtime;
  WaitOnce *wait;

  explicit Host(Tier tier = Tier::Baseline) {
    Runtime::Options options;
    options.tier = tier;
    options.host_symbols = {{"yield", reinterpret_cast<std::uint64_t>(+[] { heard += toString(running->yield()); })}};
    runtime = runtime_with({waiting_program}, std::move(options));
    wait = reinterpret_cast<WaitOnce *>(cantFail(runtime->lookup("wait")));
  }
};

void resume(Coroutine &coroutine, HostStack &from) {
  running = &coroutine;
  cantFail(coroutine.resume(from));
}

TEST_CASE("A thousand stacks that the host has left are replaced, and all go on rightly") {
  constexpr unsigned count = 1000, depth = 4;
  const Tier tier = GENERATE(Tier::Baseline, Tier::Optimized);
  Host host(tier);
  auto thread = cantFail(ThreadAttachment::attach());
  auto main = cantFail(HostStack::of_this_thread());
  std::vector<std::unique_ptr<Coroutine>> all;
  std::vector<std::uint64_t> results(count);
  std::uint64_t activations = 0;
  for (unsigned i = 0; i < count; ++i) {
    all.push_back(std::make_unique<Coroutine>([&, i] { results[i] = host.wait(depth + i % 3); }));
    activations += depth + i % 3 + 1;
  }
  for (auto &each : all)
    resume(*each, *main);
  const Tier other = tier == Tier::Baseline ? Tier::Optimized : Tier::Baseline;
  CHECK(cantFail(host.runtime->replace("wait", {.to = other})).rewritten == activations);
  for (auto &each : all)
    resume(*each, *main);
  const ReplaceOutcome back = cantFail(host.runtime->replace("wait", {.to = tier}));
  CHECK(back.rewritten + back.already >= count);
  CHECK_THAT(toString(Runtime::close(host.runtime)), Contains("'wait'"));
  for (auto &each : all)
    resume(*each, *main);
  for (unsigned i = 0; i < count; ++i) {
    const std::uint64_t n = depth + i % 3;
    REQUIRE(all[i]->problem == "");
    REQUIRE(all[i]->is_done);
    REQUIRE(results[i] == n * (n + 1) / 2);
  }
  CHECK(cantFail(host.runtime->replace("wait", {.to = other})).rewritten == 0);
  all[0]->be_new(); // a stack may be used again
  all[0]->is_done = false;
  resume(*all[0], *main);
  CHECK(cantFail(host.runtime->replace("wait", {.to = tier})).rewritten == depth + 1);
  all[0].reset(); // given up
  CHECK(cantFail(host.runtime->replace("wait", {.to = other})).rewritten == 0);
  cantFail(Runtime::close(host.runtime));
}

TEST_CASE("A stack goes on in another thread, with its frames replaced meanwhile") {
  Host host;
  std::uint64_t result = 0;
  Coroutine coroutine([&] { result = host.wait(10); });
  {
    auto thread = cantFail(ThreadAttachment::attach());
    auto main = cantFail(HostStack::of_this_thread());
    resume(coroutine, *main);
  }
  CHECK(cantFail(host.runtime->replace("wait", {.to = Tier::Optimized})).rewritten == 11);
  std::thread([&] {
    auto thread = cantFail(ThreadAttachment::attach());
    auto main = cantFail(HostStack::of_this_thread());
    resume(coroutine, *main);
    resume(coroutine, *main);
  }).join();
  CHECK(result == 55);
}

TEST_CASE("Stacks of ucontext are told in the same way, and exceptions may come back with them") {
  auto thread = cantFail(ThreadAttachment::attach());
  auto main = cantFail(HostStack::of_this_thread());
  static ucontext_t outside, inside;
  static HostStack *main_stack, *own_stack;
  static WaitOnce *wait;
  static std::uint64_t result;
  std::vector<char> memory(stack_bytes);
  auto own = cantFail(HostStack::at(memory.data(), memory.size()));
  main_stack = main.get();
  own_stack = own.get();
  REQUIRE(getcontext(&inside) == 0);
  inside.uc_stack = {memory.data(), 0, memory.size()};
  makecontext(
      &inside,
      [] {
        cantFail(own_stack->begin([] {
          result = wait(3);
          CHECK_THROWS_WITH(consumeError(own_stack->change_to(*main_stack,
                                                              [] {
                                                                swapcontext(&inside, &outside);
                                                                throw std::runtime_error("unwind");
                                                              })),
                            "unwind");
        }));
        consumeError(own_stack->change_to(*main_stack, [] { swapcontext(&inside, &outside); }));
      },
      0);
  struct Yield {
    static void yield() {
      cantFail(own_stack->change_to(*main_stack, [] { swapcontext(&inside, &outside); }));
    }
  };
  Runtime::Options options;
  options.tier = Tier::Baseline;
  options.host_symbols = {{"yield", reinterpret_cast<std::uint64_t>(&Yield::yield)}};
  auto runtime = runtime_with({waiting_program}, std::move(options));
  wait = reinterpret_cast<WaitOnce *>(cantFail(runtime->lookup("wait")));
  const auto go_on = [&] { cantFail(main->change_to(*own, [] { swapcontext(&outside, &inside); })); };
  go_on();
  CHECK(cantFail(runtime->replace("wait", {.to = Tier::Optimized})).rewritten == 4);
  for (int times = 0; times < 3; ++times)
    go_on();
  CHECK(result == 6);
  cantFail(Runtime::close(runtime));
}

TEST_CASE("A host that says what it does not do is told so, and nothing is lost") {
  Host host;
  std::uint64_t results[3] = {};
  CHECK_THAT(toString(HostStack::of_this_thread().takeError()), Contains("not attached"));
  auto thread = cantFail(ThreadAttachment::attach());
  auto main = cantFail(HostStack::of_this_thread());
  CHECK_THAT(toString(HostStack::of_this_thread().takeError()), Contains("known already"));
  std::array<char, 1000> little;
  CHECK_THAT(toString(HostStack::at(little.data(), little.size()).takeError()), Contains("too small"));
  Coroutine first([&] { results[0] = host.wait(2); }), second([&] { results[1] = host.wait(3); }),
      third([&] { results[2] = host.wait(4); });
  CHECK_THAT(toString(first.stack->begin([] {})), Contains("on another stack"));
  CHECK_THAT(toString(main->change_to(*first.stack, [] {})), Contains("not changed to the stack that it said"));
  CHECK_THAT(toString(first.stack->change_to(*main, [] {})), Contains("is not on the stack"));
  CHECK_THAT(toString(main->change_to(*main, [] {})), Contains("runs on the stack"));
  resume(first, *main);
  resume(second, *main);
  // Says the third, which is new, and changes to the first.
  running = &first;
  cantFail(main->change_to(*third.stack, [&] { host_switch(&first.sp_of_resumer, first.sp); }));
  CHECK_THAT(heard, Contains("not changed to the stack that it said"));
  CHECK(cantFail(host.runtime->replace("wait", {.to = Tier::Optimized})).rewritten >= 4);
  for (int times = 0; times < 2; ++times)
    for (Coroutine *each : {&first, &second, &third})
      if (!each->is_done)
        resume(*each, *main);
  resume(third, *main);
  CHECK(std::vector<std::uint64_t>(results, results + 3) == std::vector<std::uint64_t>{3, 6, 10});
  cantFail(Runtime::close(host.runtime));
}

TEST_CASE("Of a stack that was left without a word nothing is known, and requests say so until it is given up") {
  auto thread = cantFail(ThreadAttachment::attach());
  auto main = cantFail(HostStack::of_this_thread());
  Runtime::Options options;
  options.host_symbols = {{"yield", reinterpret_cast<std::uint64_t>(+[] { // without a word
                             host_switch(&running->sp, running->sp_of_resumer);
                           })}};
  auto runtime = runtime_with({waiting_program}, std::move(options));
  WaitOnce *wait = reinterpret_cast<WaitOnce *>(cantFail(runtime->lookup("wait")));
  auto secretive = std::make_unique<Coroutine>([&] { wait(2); });
  running = secretive.get();
  CHECK_THAT(toString(secretive->resume(*main)), Contains("without saying so"));
  CHECK_THAT(toString(runtime->replace("wait", {.to = Tier::Baseline}).takeError()), Contains("stack"));
  secretive.reset();
  CHECK(cantFail(runtime->replace("wait", {.to = Tier::Baseline})).rewritten == 0);
}

} // namespace
} // namespace osr
