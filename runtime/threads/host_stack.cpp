// Stacks that the host changes: it is told before and behind, and the walk of one that was left begins in the function that called
// the host's code, whatever that has saved below.
#include "osr/host_stack.h"

#include "compiler/base/error_code.h"
#include "osr-stubs/leave_stack.h"
#include "runtime/threads/stack_change.h"

#include <atomic>
#include <unistd.h>

using namespace llvm;

namespace osr {

struct HostStackState {
  enum class Stage : std::uint8_t {
    Empty, ///< nothing is on it
    Waiting,
    Running,
  };

  StackSide side;
  std::atomic<Stage> stage = Stage::Empty; ///< Running from when a thread has chosen to change to it
  bool has_begun = false; ///< between the beginning and the end of its work
  pid_t owner = 0; ///< the thread whose own it is; 0: memory of the host's
};

namespace {

using Stage = HostStackState::Stage;

/// On which this thread runs, of those that it knows.
constinit thread_local HostStackState *current_stack __attribute__((tls_model("initial-exec"))) = nullptr;

[[gnu::noinline]] HostStackState *stack_now() { return current_stack; }

/// Not inlined, as arrive().
[[gnu::noinline]] void run_on(HostStackState *stack) {
  current_stack = stack;
  if (stack)
    stack->stage = Stage::Running;
}

/// Nothing that was counted on is lost: who was said to run here goes on waiting.
Error come_to(HostStackState &at) {
  HostStackState *said = stack_now();
  const Arrival arrival = arrive(at.side);
  if (arrival == Arrival::AsSaid)
    return Error::success();
  if (arrival == Arrival::Untold && (!said || said == &at))
    return make_error(ErrorCode::WrongState, "nobody has changed to this stack: HostStack::change_to says so");
  if (arrival == Arrival::Untold)
    arrive_untold(at.side, said->side);
  if (said)
    said->stage = said->side.stack.is_suspended ? Stage::Waiting : Stage::Empty;
  run_on(&at);
  if (arrival == Arrival::Elsewhere)
    return make_error(ErrorCode::WrongState, "the host has not changed to the stack that it said: this one goes on");
  return make_error(ErrorCode::WrongState,
                    "the host came back to this stack without saying so: what is on the one that it left is not known");
}

/// Also when the host's code comes back by an exception, as libraries do that unwind a stack which is given up.
class Arriving {
public:
  Arriving(HostStackState &at, Error &error) : at_(at), error_(error) {}
  ~Arriving() { error_ = joinErrors(std::move(error_), come_to(at_)); }
  Arriving(const Arriving &) = delete;
  Arriving &operator=(const Arriving &) = delete;

private:
  HostStackState &at_;
  Error &error_;
};

/// An error whose owner an exception may destroy.
struct MaybeError {
  Error error = Error::success();
  ~MaybeError() { consumeError(std::move(error)); }
};

} // namespace

HostStack::HostStack(std::unique_ptr<HostStackState> state) : state_(std::move(state)) {}

HostStack::~HostStack() {
  if (stack_now() == state_.get())
    run_on(nullptr);
  else if (state_->stage == Stage::Running)
    (void)state_.release(); // another thread knows it
  else
    state_->side.give_up();
}

Expected<std::unique_ptr<HostStack>> HostStack::of_this_thread() {
  const ProgramThread *thread = ThreadRegistry::current();
  if (!thread)
    return make_error(ErrorCode::WrongState, "a thread that is not attached has no stack that could be changed");
  if (Fiber::current())
    return make_error(ErrorCode::WrongState, "the thread runs a fiber: it is not on its own stack");
  if (stack_now())
    return make_error(ErrorCode::WrongState, "the thread is on a stack that is known already");
  auto state = std::make_unique<HostStackState>();
  state->owner = thread->tid;
  state->side.stack.take_stack_of(*thread);
  state->has_begun = true;
  run_on(state.get());
  return std::unique_ptr<HostStack>(new HostStack(std::move(state)));
}

Expected<std::unique_ptr<HostStack>> HostStack::at(void *low, std::size_t bytes) {
  if (bytes < least_stack)
    return make_error(ErrorCode::Invalid, "a stack of {} bytes is too small: stubs and handlers of signals need {}",
                      bytes, least_stack);
  const auto begin = reinterpret_cast<std::uint64_t>(low);
  if (begin == 0 || begin + bytes < begin)
    return make_error(ErrorCode::Invalid, "no stack of {} bytes lies at {:#x}", bytes, begin);
  auto state = std::make_unique<HostStackState>();
  state->side.lies_at(begin, bytes);
  return std::unique_ptr<HostStack>(new HostStack(std::move(state)));
}

Error HostStack::change_to(HostStack &to, function_ref<void()> change) {
  HostStackState &from = *state_, &next = *to.state_;
  if (!ThreadRegistry::current() || stack_now() != &from)
    return make_error(ErrorCode::WrongState, "this thread is not on the stack that it is to leave");
  if (Fiber::current())
    return make_error(ErrorCode::WrongState, "the thread runs a fiber on this stack: that has to be suspended first");
  if (next.owner != 0 && next.owner != gettid())
    return make_error(ErrorCode::WrongState, "the stack that is to be changed to is that of thread {}", next.owner);
  if (next.stage.exchange(Stage::Running) == Stage::Running)
    return make_error(ErrorCode::WrongState, "a thread runs on the stack that is to be changed to");
  depart(from.side, next.side, from.has_begun ? Departure::ForNow : Departure::ForGood);
  from.stage = from.has_begun ? Stage::Waiting : Stage::Empty; // who changes to it from now on waits in depart()
  run_on(&next);
  MaybeError result;
  {
    const Arriving arriving(from, result.error);
    osr_leave_stack([](void *inner) { (*static_cast<function_ref<void()> *>(inner))(); }, &change,
                    &from.side.context.registers);
  }
  return std::move(result.error);
}

Error HostStack::begin(function_ref<void()> work) {
  if (!state_->side.stack.is_own_stack(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0))))
    return make_error(ErrorCode::WrongState, "begin() is called on another stack than the one that begins");
  if (Error error = come_to(*state_))
    return error;
  if (state_->has_begun)
    return make_error(ErrorCode::InUse, "something is on this stack already");
  struct Working {
    HostStackState &state;
    explicit Working(HostStackState &state) : state(state) { state.has_begun = true; }
    ~Working() { state.has_begun = false; }
  } working(*state_);
  enter(*ThreadRegistry::current(), reinterpret_cast<std::uint64_t>(+[](function_ref<void()> *inner) { (*inner)(); }),
        reinterpret_cast<std::uint64_t>(&work));
  return Error::success();
}

} // namespace osr
