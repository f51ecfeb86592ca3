// Walks that begin at, or pass, code that a signal has interrupted.
#include "runtime/code/entry_table.h"
#include "test/support/catch_header.h"
#include "test/unit/stack_fixture.h"

#include <algorithm>
#include <csetjmp>
#include <csignal>
#include <ctime>

using namespace osr;
using namespace osr::test;

namespace {

struct SignalHandler {
  SignalHandler(int number, void (*handler)(int, siginfo_t *, void *), int flags) : number_(number) {
    struct sigaction action{};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    sigaction(number, &action, &old_);
  }
  ~SignalHandler() { sigaction(number_, &old_, nullptr); }

private:
  int number_;
  struct sigaction old_;
};

Walk from_handler;
std::uintptr_t interrupted_pc;
sigjmp_buf after_fault;

/// Walks from inside the handler, so through the signal frame.
void walk_in_handler(int, siginfo_t *, void *context) {
  interrupted_pc = arch::from_context(*static_cast<ucontext_t *>(context)).pc;
  OSR_WALK_FROM_HERE(here);
  from_handler = here;
}
void walk_and_leave(int number, siginfo_t *info, void *context) {
  walk_in_handler(number, info, context);
  siglongjmp(after_fault, 1);
}

/// The one frame that was interrupted; the handler's own frame is the first.
Activation interrupted_frame() {
  const auto begin = from_handler.frames.begin() + 1, end = from_handler.frames.end();
  const auto is_exact = [](const Activation &frame) { return frame.kind == PcKind::Exact; };
  REQUIRE(std::count_if(begin, end, is_exact) == 1);
  return *std::find_if(begin, end, is_exact);
}

} // namespace

TEST_CASE("a walk from a signal handler passes the signal frame") {
  const SignalHandler handler(SIGUSR1, walk_in_handler, 0);
  with_base([] { raise(SIGUSR1); }, [] { world().chain(3, 1); });
  CHECK(from_handler.status == WalkStatus::ReachedBase);
  CHECK(our_functions(from_handler) == std::vector<std::string>(4, "chain"));
  CHECK(interrupted_frame().pc == interrupted_pc);
  CHECK(interrupted_frame().return_pc_slot == 0);
}

TEST_CASE("code of ours interrupted by a fault is looked up with its exact pc") {
  for (const bool alternate : {false, true}) {
    std::vector<std::uint8_t> stack(1 << 16);
    stack_t alternate_stack{stack.data(), 0, stack.size()}, old_stack{};
    if (alternate)
      sigaltstack(&alternate_stack, &old_stack);
    const SignalHandler handler(SIGSEGV, walk_and_leave, alternate ? SA_ONSTACK : 0);
    with_base(nullptr, [&] {
      world().bounds.alternate_low = alternate ? std::uintptr_t(stack.data()) : 0;
      world().bounds.alternate_high = alternate ? std::uintptr_t(stack.data()) + stack.size() : 0;
      if (sigsetjmp(after_fault, 1) == 0)
        world().fault(nullptr, 1);
    });
    if (alternate)
      sigaltstack(&old_stack, nullptr);
    INFO(from_handler.text());
    CHECK(from_handler.status == WalkStatus::ReachedBase);
    CHECK(our_functions(from_handler) == std::vector<std::string>{"fault"});
    CHECK(interrupted_frame().code == &world().object);
    CHECK(interrupted_frame().pc == interrupted_pc);
    CHECK_FALSE(interrupted_frame().is_site);
    CHECK((from_handler.frames[0].newest_sp == interrupted_frame().newest_sp) == !alternate);
  }
}

namespace {

/// What the walks of one single-stepped run came to.
struct SingleStep {
  const CodeLookup *code = nullptr;
  std::size_t instructions = 0, in_our_code = 0, in_thunk = 0, failures = 0, wrong = 0;
  std::uintptr_t failed_pc = 0;
  WalkStatus failure = WalkStatus::Walking;
  std::uintptr_t oldest_cfa = 0; ///< of our oldest frame: must be the same whenever that frame is on the stack
} single;

/// Runs after every instruction: walks from there.
void on_trap(int, siginfo_t *, void *context) {
  const WalkStart start = exact(*static_cast<ucontext_t *>(context));
  ++single.instructions;
  FrameCursor cursor(start, *single.code, world().stubs, world().bounds);
  if (!cursor.done() && cursor.frame().row)
    ++(cursor.frame().code ? single.in_our_code : single.in_thunk);
  std::uintptr_t oldest = 0;
  for (; !cursor.done(); cursor.advance())
    if (cursor.frame().code)
      oldest = cursor.frame().cfa;
  if (cursor.status() != WalkStatus::ReachedBase && single.failures++ == 0) {
    single.failed_pc = cursor.last_pc();
    single.failure = cursor.status();
  }
  if (oldest != 0 && single.oldest_cfa == 0)
    single.oldest_cfa = oldest;
  single.wrong += oldest != 0 && oldest != single.oldest_cfa;
}

} // namespace

// In assembly, because inline pushes are invisible to the compiler's unwind information.
asm(R"(
.macro flags_function name, operation, mask
  .type \name, @function
\name:
  .cfi_startproc
  pushfq
  .cfi_adjust_cfa_offset 8
  \operation $\mask, (%rsp)
  popfq
  .cfi_adjust_cfa_offset -8
  ret
  .cfi_endproc
.endm
.text
flags_function set_trap_flag, orq, 0x100
flags_function clear_trap_flag, andq, 0x7ffffeff
)");
extern "C" void set_trap_flag();
extern "C" void clear_trap_flag();

namespace {

/// Single-steps `action`, with a walk at every instruction of it.
template <typename F> SingleStep single_step(const CodeLookup &code, const std::function<void()> &at_probe, F action) {
  const SignalHandler handler(SIGTRAP, on_trap, 0);
  with_base(at_probe, [&] {
    single = {};
    single.code = &code;
    set_trap_flag();
    action();
    clear_trap_flag();
  });
  INFO(describe(single.failure) << " at pc " << std::hex << single.failed_pc);
  CHECK(single.failures == 0);
  CHECK(single.wrong == 0);
  return single;
}

/// Reaches libc, the loader's lazy binding, the vDSO and floating-point printing.
void call_much() {
  char text[64];
  timespec now;
  std::free(std::malloc(100));
  clock_gettime(CLOCK_MONOTONIC, &now);
  std::snprintf(text, sizeof text, "%f %ld", 1.5, long(now.tv_sec & 1));
}

} // namespace

TEST_CASE("a walk can start at any instruction") {
  std::int64_t data[] = {3, 1, 2, 9, 8, 7};
  const SingleStep sorting = single_step(*world().code, call_much, [&] { world().sort(data, 6); });
  CHECK(sorting.instructions > 5000);
  CHECK(sorting.in_our_code > 50);
  auto *chain = world().jit.function<std::int64_t(std::int64_t, std::int64_t)>("chain");
  const SingleStep recursion = single_step(*world().code, nullptr, [&] { chain(20, 3); });
  CHECK(recursion.in_our_code > 300);
}

TEST_CASE("a walk can start in an entry thunk") {
  const auto arena = llvm::cantFail(SlabArena::create({1 << 20, 1 << 20, 1 << 20}));
  const auto entries = llvm::cantFail(EntryTable::create(*arena));
  llvm::cantFail(entries->reserve(1));
  entries->set_target(EntryId(0), world().jit.address("chain"));
  auto *entry = reinterpret_cast<std::int64_t (*)(std::int64_t, std::int64_t)>(entries->entry_address(EntryId(0)));
  const RegistryLookup code(*world().registry, entries.get());
  const SingleStep run = single_step(code, nullptr, [&] { CHECK_NOFAIL(entry(3, 2) == expected_chain(3, 2)); });
  CHECK(run.in_thunk == 1);
}
