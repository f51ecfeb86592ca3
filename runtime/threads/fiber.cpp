// Fibers: each change of stacks has two sides, and the registry knows the one that is left.
//
//   thread's stack                      registry            fiber's stack
//   resume ─► change ──────────────►    + resumer           (new: run_work ─► enter ─► work)
//                                       - fiber        ──►  arrive ─► back in suspend
//             arrive ◄──────────────    + fiber        ◄──  suspend ─► change
//   back in resume                      - resumer
#include "osr/fiber.h"

#include "compiler/base/error_code.h"
#include "runtime/threads/stack_change.h"

#include <llvm/Support/MathExtras.h>

#include <atomic>
#include <exception>
#include <limits>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

using namespace llvm;

namespace osr {

struct FiberState {
  enum class Stage : std::uint8_t { Suspended, Running, Done };

  std::function<void()> work;
  char *mapping = nullptr;
  std::size_t bytes = 0; ///< with the guard
  StackSide own, resumer;
  FiberState *outer = nullptr; ///< the fiber in which it was resumed
  Fiber *fiber = nullptr;
  std::exception_ptr thrown;
  bool has_ended = false; ///< its work; whoever has resumed it sees that
  /// Changed by who resumes it, before and behind all else: others that try meanwhile hear that it runs.
  std::atomic<Stage> stage = Stage::Suspended;

  ~FiberState() {
    if (!mapping)
      return;
    own.give_up();
    munmap(mapping, bytes);
  }
};

namespace {

constinit thread_local FiberState *running __attribute__((tls_model("initial-exec"))) = nullptr;

/// AddressSanitizer wants to know which stack is in use.
void tell_of_change([[maybe_unused]] StackSide &from, [[maybe_unused]] const StackSide &to,
                    [[maybe_unused]] Departure departure) {
#if defined(__SANITIZE_ADDRESS__)
  const std::uint64_t low = to.stack.stack_begin;
  __sanitizer_start_switch_fiber(departure == Departure::ForGood ? nullptr : &from.sanitizer,
                                 reinterpret_cast<void *>(low), to.stack.stack_high - low);
#endif
}

void tell_of_arrival([[maybe_unused]] const StackSide &at) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(at.sanitizer, nullptr, nullptr);
#endif
}

/// Leaves one stack for another one, and comes back. Not to be inlined, as arrive().
[[gnu::noinline]] void change(StackSide &from, StackSide &to, Departure departure = Departure::ForNow) {
  depart(from, to, departure);
  tell_of_change(from, to, departure);
  osr_switch_stack(&from.context, &to.context);
}

void arrive_in_fiber(StackSide &at) {
  tell_of_arrival(at);
  arrive(at);
}

/// The first frames of a fiber; the walk of its stack ends at enter().
void run_work(FiberState *state) {
  arrive_in_fiber(state->own);
  try {
    enter(*ThreadRegistry::current(), reinterpret_cast<std::uint64_t>(+[](FiberState *inner) { inner->work(); }),
          reinterpret_cast<std::uint64_t>(state));
  } catch (...) {
    state->thrown = std::current_exception();
  }
  state->has_ended = true;
  change(state->own, state->resumer, Departure::ForGood);
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
  if (stack_bytes > std::numeric_limits<std::size_t>::max() / 2) // rounded up it would be small
    return make_error(ErrorCode::Invalid, "no stack has {} bytes", stack_bytes);
  auto state = std::make_unique<FiberState>();
  state->work = std::move(work);
  state->resumer.stack.is_resumer = true;
  state->bytes = alignTo(std::max(stack_bytes, least_stack), page) + page;
  void *mapping = mmap(nullptr, state->bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED || mprotect(mapping, page, PROT_NONE) != 0)
    return make_error(ErrorCode::NoMemory, "there is no memory for a fiber's stack of {} bytes", state->bytes);
  state->mapping = static_cast<char *>(mapping);
  state->own.lies_at(reinterpret_cast<std::uint64_t>(mapping) + page, state->bytes - page);
  OutsideRegisters &begin = state->own.context.registers;
  begin.pc = reinterpret_cast<std::uint64_t>(&osr_begin_stack);
  begin.sp = state->own.stack.stack_high;
  begin.saved[0] = reinterpret_cast<std::uint64_t>(state.get());
  begin.saved[1] = reinterpret_cast<std::uint64_t>(&run_work);
  return std::unique_ptr<Fiber>(new Fiber(std::move(state)));
}

Expected<bool> Fiber::resume() {
  FiberState &state = *state_;
  if (!ThreadRegistry::current())
    return make_error(ErrorCode::WrongState, "a fiber cannot be resumed in a thread that is not attached");
  auto stage = FiberState::Stage::Suspended;
  if (!state.stage.compare_exchange_strong(stage, FiberState::Stage::Running))
    return make_error(ErrorCode::WrongState, "a fiber cannot be resumed that {}",
                      stage == FiberState::Stage::Done ? "is done" : "runs");
  state.outer = std::exchange(running, &state);
  change(state.resumer, state.own);
  arrive_in_fiber(state.resumer);
  running = state.outer;
  const bool has_ended = state.has_ended;
  const std::exception_ptr thrown = std::exchange(state.thrown, nullptr);
  state.stage = has_ended ? FiberState::Stage::Done : FiberState::Stage::Suspended;
  if (thrown)
    std::rethrow_exception(thrown);
  return !has_ended;
}

Error Fiber::suspend() {
  FiberState *state = running;
  if (!state)
    return make_error(ErrorCode::WrongState, "this thread runs no fiber that could be suspended");
  change(state->own, state->resumer);
  arrive_in_fiber(state->own);
  return Error::success();
}

Fiber *Fiber::current() { return running ? running->fiber : nullptr; }
bool Fiber::is_done() const { return state_->stage == FiberState::Stage::Done; }

} // namespace osr
