// Fibers: each change of stacks has two sides, and the registry knows the one that is left.
//
//   thread's stack                      registry            fiber's stack
//   resume ─► change ──────────────►    + resumer           (new: run_work ─► enter ─► work)
//                                       - fiber        ──►  arrive ─► back in suspend
//             arrive ◄──────────────    + fiber        ◄──  suspend ─► change
//   back in resume                      - resumer
//
// The registry's lock is held from before a change to behind it: nobody stops the thread while its registers and its record
// belong to different stacks.
#include "osr/fiber.h"

#include "compiler/base/error.h"
#include "osr-stubs/switch_stack.h"
#include "runtime/threads/safepoint_gate.h"

#include <llvm/Support/MathExtras.h>

#include <exception>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

using namespace llvm;

extern "C" void *__cxa_get_globals() noexcept; // <cxxabi.h> is another library's where libc++abi is installed

namespace osr {
namespace {

/// What the C++ library keeps for a thread about exceptions that were caught or are in flight: that of a stack goes with
/// it. The layout is the Itanium C++ ABI's (__cxa_eh_globals).
struct Exceptions {
  void *caught = nullptr;
  unsigned int uncaught = 0;
};

Exceptions &exceptions_of_thread() { return *reinterpret_cast<Exceptions *>(__cxa_get_globals()); }

/// One side of a change, as it was left.
struct Side {
  ProgramThread stack; ///< what walks begin with
  StackContext context;
  Exceptions exceptions;
  Presence presence = Presence::Away;
  void *sanitizer = nullptr; ///< what AddressSanitizer keeps for a stack that was left
};

} // namespace

struct FiberState {
  enum class Stage : std::uint8_t { Suspended, Running, Done };

  std::function<void()> work;
  char *mapping = nullptr;
  std::size_t bytes = 0; ///< with the guard
  Side own, resumer;
  FiberState *outer = nullptr; ///< the fiber in which it was resumed
  Fiber *fiber = nullptr;
  std::exception_ptr thrown;
  Stage stage = Stage::Suspended;

  ~FiberState() {
    if (!mapping)
      return;
    {
      Lock lock(process_threads().mutex());
      process_threads().remove_suspended(own.stack);
    }
    munmap(mapping, bytes);
  }
};

namespace {

constinit thread_local FiberState *running __attribute__((tls_model("initial-exec"))) = nullptr;

/// AddressSanitizer wants to know which stack is in use.
void tell_of_change([[maybe_unused]] Side &from, [[maybe_unused]] const Side &to, [[maybe_unused]] bool is_last) {
#if defined(__SANITIZE_ADDRESS__)
  const std::uint64_t low = to.stack.stack_low - stack_reserve;
  __sanitizer_start_switch_fiber(is_last ? nullptr : &from.sanitizer, reinterpret_cast<void *>(low),
                                 to.stack.stack_high - low);
#endif
}

void tell_of_arrival([[maybe_unused]] const Side &at) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(at.sanitizer, nullptr, nullptr);
#endif
}

/// Leaves one stack for another one. Not to be inlined, as arrive(): addresses of thread-local variables must not live
/// across a change, behind which this may be another thread. The registry's lock goes with the change.
[[gnu::noinline]] OSR_UNCHECKED_LOCKS void change(Side &from, Side &to, bool is_last = false) {
  ProgramThread &thread = *ThreadRegistry::current();
  from.presence = thread.presence.load(std::memory_order_relaxed);
  if (to.presence == Presence::Inside && from.presence == Presence::Away)
    process_safepoints().enter(thread); // there may be references on the other stack
  ThreadRegistry &registry = process_threads();
  registry.mutex().lock();
  from.stack.tid = thread.tid;
  from.stack.take_stack_of(thread);
  thread.take_stack_of(to.stack);
  registry.remove_suspended(to.stack);
  if (!is_last)
    registry.add_suspended(from.stack);
  from.exceptions = exceptions_of_thread();
  exceptions_of_thread() = to.exceptions;
  tell_of_change(from, to, is_last);
  osr_switch_stack(&from.context, &to.context);
}

/// Behind a change, on the other side.
[[gnu::noinline]] OSR_UNCHECKED_LOCKS void arrive(Side &at, Side &left) {
  tell_of_arrival(at);
  left.stack.outside = left.context.registers;
  process_threads().mutex().unlock();
  ProgramThread &thread = *ThreadRegistry::current();
  if (at.presence == Presence::Away && thread.presence.load(std::memory_order_relaxed) == Presence::Inside)
    process_safepoints().leave(thread);
}

/// The first frames of a fiber; the walk of its stack ends at enter().
void run_work(FiberState *state) {
  arrive(state->own, state->resumer);
  try {
    enter(*ThreadRegistry::current(), reinterpret_cast<std::uint64_t>(+[](FiberState *inner) { inner->work(); }),
          reinterpret_cast<std::uint64_t>(state));
  } catch (...) {
    state->thrown = std::current_exception();
  }
  state->stage = FiberState::Stage::Done;
  change(state->own, state->resumer, /*is_last=*/true);
  __builtin_unreachable();
}

} // namespace

Fiber::Fiber(std::unique_ptr<FiberState> state) : state_(std::move(state)) { state_->fiber = this; }
/// Of one that runs, the stack has to stay.
Fiber::~Fiber() {
  if (state_->stage == FiberState::Stage::Running)
    (void)state_.release();
}

Expected<std::unique_ptr<Fiber>> Fiber::create(std::function<void()> work, std::size_t stack_bytes) {
  const std::size_t page = std::size_t(sysconf(_SC_PAGESIZE));
  auto state = std::make_unique<FiberState>();
  state->work = std::move(work);
  state->bytes = alignTo(std::max(stack_bytes, least_stack), page) + page;
  void *mapping = mmap(nullptr, state->bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED || mprotect(mapping, page, PROT_NONE) != 0)
    return make_error("there is no memory for a fiber's stack of {} bytes", state->bytes);
  state->mapping = static_cast<char *>(mapping);
  ProgramThread &stack = state->own.stack;
  stack.stack_low = reinterpret_cast<std::uint64_t>(mapping) + page + stack_reserve;
  stack.stack_high = reinterpret_cast<std::uint64_t>(mapping) + state->bytes;
  OutsideRegisters &begin = state->own.context.registers;
  begin.pc = reinterpret_cast<std::uint64_t>(&osr_begin_stack);
  begin.sp = stack.stack_high;
  begin.saved[0] = reinterpret_cast<std::uint64_t>(state.get());
  begin.saved[1] = reinterpret_cast<std::uint64_t>(&run_work);
  return std::unique_ptr<Fiber>(new Fiber(std::move(state)));
}

Expected<bool> Fiber::resume() {
  FiberState &state = *state_;
  if (!ThreadRegistry::current())
    return make_error("a fiber cannot be resumed in a thread that is not attached");
  if (state.stage != FiberState::Stage::Suspended)
    return make_error("a fiber cannot be resumed that {}", state.stage == FiberState::Stage::Done ? "is done" : "runs");
  state.stage = FiberState::Stage::Running;
  state.outer = std::exchange(running, &state);
  change(state.resumer, state.own);
  arrive(state.resumer, state.own);
  running = state.outer;
  if (state.thrown)
    std::rethrow_exception(std::exchange(state.thrown, nullptr));
  return state.stage != FiberState::Stage::Done;
}

Error Fiber::suspend() {
  FiberState *state = running;
  if (!state)
    return make_error("this thread runs no fiber that could be suspended");
  state->stage = FiberState::Stage::Suspended;
  change(state->own, state->resumer);
  arrive(state->own, state->resumer);
  return Error::success();
}

Fiber *Fiber::current() { return running ? running->fiber : nullptr; }
bool Fiber::is_done() const { return state_->stage == FiberState::Stage::Done; }

} // namespace osr
