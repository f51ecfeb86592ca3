#include "runtime/threads/handshake.h"

#include "compiler/base/error_code.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/staying.h"
#include "runtime/threads/stopped_walk.h"

#include <fmt/ranges.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

using namespace llvm;

namespace osr {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds repeat_after(100);
constexpr unsigned most_landing_rounds = 8;
thread_local bool met_vfork = false; ///< others may stop threads at the same time and have no such luck
constexpr std::chrono::milliseconds vfork_patience(20); ///< a child that waits for nobody executes a program sooner

} // namespace

Expected<std::unique_ptr<Handshake>> Handshake::create(ThreadRegistry &threads, Options options) {
  auto process = SharedProcess::join(options.signal_number);
  if (!process)
    return process.takeError();
  return std::unique_ptr<Handshake>(new Handshake(std::move(*process), threads, std::move(options)));
}

bool Handshake::when_alone(function_ref<void()> work) {
  Lock lock(threads_.mutex(), after_waiting);
  const bool is_alone =
      all_of(threads_.threads(), [](const auto &each) { return each.get() == ThreadRegistry::current(); });
  if (is_alone)
    work();
  return is_alone;
}

Error Handshake::with_stopped(function_ref<void(StoppedThreads)> work) {
  Lock lock(threads_.mutex(), after_waiting);
  std::vector<pid_t> silent;
  silent.reserve(threads_.threads().size()); // nothing is allocated or freed while threads are stopped
  std::vector<ProgramThread *> stacks;
  MadeStacks &made = threads_.made();
  made.reserve(threads_.threads().size());
  stacks.reserve(threads_.threads().size() + threads_.suspended().size() + made.count());
  for (const auto &thread : threads_.threads())
    stacks.push_back(thread.get());
  stacks.insert(stacks.end(), threads_.suspended().begin(), threads_.suspended().end());
  std::vector<pid_t> others;
  if (options_.observer)
    for (const auto &thread : threads_.threads())
      if (thread.get() != ThreadRegistry::current())
        others.push_back(thread->tid);
  Pause pause{Clock::now(), {}, {}, others};
  stop_all(silent);
  pause.stopped = Clock::now();
  if (silent.empty()) {
    ucontext_t own;
    if (ProgramThread *self = ThreadRegistry::current()) {
      getcontext(&own);
      sigaltstack(nullptr, &own.uc_stack); // a context that the kernel saved has it too
      self->context = &own;
    }
    made.begin_stop(threads_.threads(), stacks);
    work(stacks);
    made.end_stop();
  }
  met_vfork = !silent.empty() && is_any_silent_in_vfork();
  pause.resumed = Clock::now();
  resume_all();
  lock.unlock();
  if (silent.empty()) {
    if (options_.observer)
      options_.observer(pause);
    return Error::success();
  }
  return describe(silent);
}

bool Handshake::has_just_met_vfork() { return std::exchange(met_vfork, false); }

Error Handshake::describe(const std::vector<pid_t> &silent) const {
  const char *plural = silent.size() == 1 ? "" : "s";
  if (met_vfork)
    return make_error(ErrorCode::TimedOut, "thread{} {} cannot be stopped while the child of a vfork runs", plural,
                      fmt::join(silent, ", "));
  return make_error(ErrorCode::TimedOut, "thread{} {} did not stop within {} ms; signal {} may be blocked there",
                    plural, fmt::join(silent, ", "), options_.limit.count(), options_.signal_number);
}

void Handshake::find_silent(std::vector<pid_t> &silent) const {
  silent.clear();
  for (const auto &thread : threads_.threads())
    if (thread->stop.load(std::memory_order_acquire) == StopState::Requested)
      silent.push_back(thread->tid);
}

bool Handshake::is_any_silent_in_vfork() const {
  return any_of(threads_.threads(), [](const auto &thread) {
    return thread->stop.load(std::memory_order_acquire) == StopState::Requested &&
           __atomic_load_n(thread->vforks, __ATOMIC_RELAXED) != 0;
  });
}

void Handshake::request_stop(ProgramThread &thread) const {
  thread.stop.store(StopState::Requested, std::memory_order_seq_cst);
  send_stop(thread);
}

void Handshake::send_stop(const ProgramThread &thread) const {
  if (!thread.executes.load(std::memory_order_seq_cst)) // else it answers by itself if it stays this program
    syscall(SYS_tgkill, threads_.process(), thread.tid, options_.signal_number);
}

void Handshake::stop_all(std::vector<pid_t> &silent) {
  for (const auto &thread : threads_.threads()) {
    if (thread.get() == ThreadRegistry::current())
      continue;
    if (hold(*thread)) {
      thread->stop.store(StopState::Stopped, std::memory_order_seq_cst);
      continue;
    }
    request_stop(*thread);
  }
  wait_for_stops(silent);
  pass_landings(silent);
}

/// An unwinder is close to the landing for most of the time that an exception takes, and threads that throw all the time would hardly ever be
/// elsewhere all at once. So who is there goes on a little, while the others stand.
void Handshake::pass_landings(std::vector<pid_t> &silent) {
  for (unsigned round = 1; silent.empty() && round <= most_landing_rounds; ++round) {
    bool goes_on = false;
    for (const auto &thread : threads_.threads())
      if (thread->stop.load(std::memory_order_relaxed) == StopState::Stopped && is_landing(*thread)) {
        goes_on = true;
        thread->stop.store(StopState::Running, std::memory_order_release);
        futex_wake(thread->stop);
      }
    if (!goes_on)
      return;
    let_threads_run(round);
    for (const auto &thread : threads_.threads())
      if (thread.get() != ThreadRegistry::current() &&
          thread->stop.load(std::memory_order_relaxed) == StopState::Running)
        request_stop(*thread);
    wait_for_stops(silent);
  }
}

void Handshake::wait_for_stops(std::vector<pid_t> &silent) {
  const Clock::time_point begin = Clock::now(), end = begin + options_.limit;
  for (;;) {
    std::uint32_t events = SharedProcess::stop_events().load(std::memory_order_acquire);
    find_silent(silent);
    const Clock::time_point now = Clock::now();
    if (silent.empty() || now >= end)
      return;
    const bool in_vfork = is_any_silent_in_vfork();
    if (in_vfork && now >= begin + vfork_patience)
      return;
    timespec left = time_until(std::min(end, now + (in_vfork ? vfork_patience : repeat_after)));
    futex_wait(SharedProcess::stop_events(), events, &left);
    if (SharedProcess::stop_events().load(std::memory_order_acquire) == events)
      for (const auto &thread :
           threads_.threads()) // the queue of signals may have been full; one too many does no harm
        if (thread->stop.load(std::memory_order_acquire) == StopState::Requested)
          send_stop(*thread);
  }
}

void Handshake::resume_all() {
  for (const auto &thread : threads_.threads()) {
    if (thread->stop.exchange(StopState::Running, std::memory_order_acq_rel) == StopState::Stopped)
      futex_wake(thread->stop);
    release_held(*thread);
  }
}

} // namespace osr
