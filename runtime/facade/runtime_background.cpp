// The part of the runtime that has threads of its own: how they begin, end, and survive a fork.
#include "compiler/base/error.h"
#include "runtime/events/trace_events.h"
#include "runtime/facade/runtime.h"
#include "runtime/facade/stressed_runtime.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/tiering/tier_up.h"

#include <chrono>
#include <cstring>
#include <pthread.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::milliseconds
    patience_at_end(20); ///< enough for most that was begun, so that statistics are whole

} // namespace

Error Runtime::start_requests() {
  if (Error error = watch_forks())
    return error;
  if (Trace::active())
    options_.handshake.observer = trace_pause;
  auto handshake = Handshake::create(threads_, options_.handshake);
  if (!handshake)
    return handshake.takeError();
  handshake_ = std::move(*handshake);
  polls_ = std::make_unique<LoopPolls>(threads_);
  requests_ = std::make_unique<Requests>(*handshake_, *polls_, *stubs_, *registry_, *entries_, *stub_table_,
                                         *redirector_, direct_calls_ ? &direct_calls_->sites() : nullptr);
  reclaimer_ =
      std::make_unique<Reclaimer>(*handshake_, *versions_, *stubs_, *registry_, *entries_, *stub_table_, statistics_,
                                  *redirector_, direct_calls_ ? &direct_calls_->sites() : nullptr);
  start_background();
  start_tiers();
  start_stress();
  return Error::success();
}

/// The modes that do not act at calls.
void Runtime::start_stress() {
  const StressMode &mode = options_.stress;
  stress_target_ = make_stress_target(*this);
  if (mode.kind == StressMode::Kind::Async)
    async_stress_ = std::make_unique<AsyncStress>(*stress_target_, mode.number);
  else if (mode.kind == StressMode::Kind::Churn)
    churn_ = std::make_unique<Churn>(*stress_target_, mode.number);
  else if (mode.kind == StressMode::Kind::Loops)
    loop_stress_ = std::make_unique<Ticker>("osr stress", mode.number, [this] { flip_at_next_poll(threads_); });
  else if (mode.acts_at_polls())
    threads_.set_usual_poll_word(PollWord::FlipEach);
}

/// Each begins its thread when it is first needed.
void Runtime::start_background() {
  queue_ = std::make_unique<RequestQueue>();
  reclaim_loop_ = std::make_unique<ReclaimLoop>([this] { return reclaim(); });
}

/// Threads of the runtime's own end; requests that wait are cancelled.
void Runtime::stop_background() {
  Undisturbed undisturbed;
  async_stress_.reset();
  churn_.reset();
  loop_stress_.reset();
  sampling_.reset();
  if (tier_up_)
    tier_up_->stop();
  queue_.reset();
  if (reclaim_loop_)
    reclaim_loop_->stop();
}

/// Before the process ends: the same, but the end waits for none of them. What they have is never destroyed.
void Runtime::leave_background() {
  Undisturbed undisturbed;
  const auto when = std::chrono::steady_clock::now() + patience_at_end;
  if (async_stress_)
    async_stress_->end_by(when);
  if (churn_)
    churn_->end_by(when);
  if (loop_stress_)
    loop_stress_->end_by(when);
  if (sampling_)
    sampling_->end_by(when);
  if (tier_up_)
    tier_up_->end_by(when);
  if (queue_)
    queue_->end_by(when);
  if (reclaim_loop_)
    reclaim_loop_->end_by(when);
}

/// The child has the forking thread only. What the others were doing must be whole: their locks are taken first. Both
/// sides give back what this thread holds before a handler of the program may come.
Error Runtime::watch_forks() {
  static const int error = pthread_atfork(
      [] {
        if (running_) {
          auto *undisturbed = new Undisturbed;
          running_->mutex_.lock();
          running_->around_fork_ = undisturbed;
          running_->compiler_->gate().lock(); // nobody is within LLVM
          running_->threads_.mutex().lock();
          if (running_->tier_up_)
            running_->tier_up_->before_fork();
        }
      },
      [] { after_fork(ForkSide::Parent); }, [] { after_fork(ForkSide::Child); });
  return error ? make_error("forks cannot be watched: pthread_atfork failed: {}", std::strerror(error))
               : Error::success();
}

void Runtime::after_fork(ForkSide side) {
  if (!running_)
    return;
  if (side == ForkSide::Child) {
    running_->mutex_.forget_waiting();
    running_->threads_.keep_only_current();
    forget_other_threads();
    // Their threads do not exist here and cannot be joined.
    (void)running_->async_stress_.release();
    (void)running_->churn_.release();
    (void)running_->loop_stress_.release();
    (void)running_->queue_.release();
    (void)running_->reclaim_loop_.release();
    (void)running_->sampling_.release();
    running_->start_background();
  }
  if (running_->tier_up_)
    running_->tier_up_->after_fork(side == ForkSide::Child);
  if (side == ForkSide::Child)
    running_->start_sampling();
  running_->threads_.mutex().unlock();
  running_->compiler_->gate().unlock();
  const Undisturbed *undisturbed = std::exchange(running_->around_fork_, nullptr);
  running_->mutex_.unlock();
  delete undisturbed;
}

} // namespace osr
