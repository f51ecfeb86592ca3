#include "runtime/threads/safepoint_gate.h"

#include "compiler/base/error_code.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/undisturbed.h"

#include <fmt/ranges.h>

using namespace llvm;

namespace osr {
namespace {

using Clock = std::chrono::steady_clock;

/// A thread that was asked may have been about to wait for something else in its poll: then it is asked again.
constexpr std::chrono::milliseconds before_asking_again(1);

constinit thread_local bool has_closed = false;

} // namespace

SafepointGate &process_safepoints() {
  static auto &gate = *new SafepointGate;
  return gate;
}

bool SafepointGate::is_closed_by_this_thread() { return has_closed; }

/// Who comes says so before it looks at the gate, and the collector closes the gate before it looks who is there: one of them
/// sees the other.
void SafepointGate::enter(ProgramThread &thread) {
  for (;;) {
    thread.presence.store(Presence::Inside, std::memory_order_seq_cst);
    if (is_closed_.load(std::memory_order_seq_cst) == 0)
      return;
    leave(thread);
    futex_wait(is_closed_, 1u);
  }
}

void SafepointGate::leave(ProgramThread &thread) {
  thread.presence.store(Presence::Away, std::memory_order_seq_cst);
  if (is_closed_.load(std::memory_order_seq_cst) == 0)
    return;
  departures_.fetch_add(1, std::memory_order_release);
  futex_wake(departures_);
}

bool go_away_from_program() {
  ProgramThread *self = ThreadRegistry::current();
  const bool was_inside = self && self->presence.load(std::memory_order_relaxed) == Presence::Inside;
  if (was_inside)
    process_safepoints().leave(*self);
  return was_inside;
}

void come_back_to_program() { process_safepoints().enter(*ThreadRegistry::current()); }

/// `inside` then lists who is; it has room for all that there were.
void SafepointGate::ask(ThreadRegistry &threads, std::vector<pid_t> &inside) {
  Lock lock(threads.mutex());
  inside.clear();
  for (const auto &thread : threads.threads()) {
    if (thread->presence.load(std::memory_order_seq_cst) == Presence::Away)
      continue;
    inside.push_back(thread->tid);
    PollWord none = PollWord::None; // other words lead into the poll, too, which comes by here
    thread->poll_word->compare_exchange_strong(none, PollWord::Safepoint, std::memory_order_acq_rel);
  }
}

/// A mutex cannot be given back for a thread that does not exist: there is a new one.
void SafepointGate::forget_other_threads(ThreadRegistry &threads) {
  if (has_closed)
    return;
  (void)collectors_.release();
  collectors_ = std::make_unique<TurnMutex>();
  is_closed_.store(0, std::memory_order_seq_cst);
  take_back(threads);
}

void SafepointGate::open(ThreadRegistry &threads) {
  is_closed_.store(0, std::memory_order_seq_cst);
  futex_wake(is_closed_);
  Lock lock(threads.mutex());
  take_back(threads);
}

/// What was asked of threads that have not come.
void SafepointGate::take_back(ThreadRegistry &threads) {
  for (const auto &thread : threads.threads()) {
    PollWord asked = PollWord::Safepoint;
    thread->poll_word->compare_exchange_strong(asked, threads.usual_poll_word(), std::memory_order_acq_rel);
  }
}

SafepointGate::Open::Open(SafepointGate &gate) {
  const ProgramThread *self = ThreadRegistry::current();
  if (!gate.is_used() || has_closed || (self && self->presence.load(std::memory_order_relaxed) == Presence::Inside))
    return;
  collectors_ = gate.collectors_.get();
  collectors_->lock();
}

SafepointGate::Open::~Open() {
  if (collectors_)
    collectors_->unlock();
}

Expected<SafepointGate::Closed> SafepointGate::Closed::close(SafepointGate &gate, ThreadRegistry &threads,
                                                             std::chrono::milliseconds limit) {
  const bool was_inside = go_away_from_program(); // it is no obstacle to a collector that was faster
  gate.collectors_->lock();
  Closed closed(gate, threads);
  has_closed = true;
  closed.was_inside_ = was_inside;
  gate.is_closed_.store(1, std::memory_order_seq_cst);
  std::vector<pid_t> inside;
  for (const Clock::time_point end = Clock::now() + limit;;) {
    const std::uint32_t seen = gate.departures_.load(std::memory_order_acquire);
    gate.ask(threads, inside);
    if (inside.empty())
      return closed;
    if (Clock::now() >= end)
      return make_error(
          ErrorCode::TimedOut,
          "no safepoint: within {} ms threads {} came to none; they run functions of the host, which may say "
          "that they are away, or functions that are never replaced",
          limit.count(), fmt::join(inside, ", "));
    const timespec left = time_until(std::min(end, Clock::now() + before_asking_again));
    futex_wait(gate.departures_, seen, &left);
  }
}

SafepointGate::Closed::~Closed() {
  if (!gate_)
    return;
  has_closed = false;
  gate_->open(threads_);
  gate_->collectors_->unlock();
  if (was_inside_)
    gate_->enter(*ThreadRegistry::current());
}

} // namespace osr
