#include "runtime/threads/handshake.h"

#include "compiler/base/error.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/interrupted_call.h"
#include "runtime/threads/stop_signal.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fmt/ranges.h>
#include <mutex>
#include <sys/syscall.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds repeat_after(100);

/// Counts stops; the requester sleeps on it. Only the threads' own words tell who is stopped: a thread that answers a
/// request which was given up counts too.
std::atomic<std::uint32_t> stop_events = 0;

/// The part of a handshake that runs in the thread that is stopped. ThreadSanitizer must not see it: its runtime is not
/// made to be interrupted.
__attribute__((no_sanitize("thread"))) void on_stop_signal(int, siginfo_t *, void *context) {
  int saved_errno = errno;
  if (ProgramThread *self = current_thread) {
    self->context = static_cast<const ucontext_t *>(context);
    std::uint32_t *word = futex_word(self->stop), *events = futex_word(stop_events);
    auto requested = std::uint32_t(StopState::Requested), stopped = std::uint32_t(StopState::Stopped);
    if (__atomic_compare_exchange_n(word, &requested, stopped, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      __atomic_fetch_add(events, 1, __ATOMIC_RELEASE);
      syscall(SYS_futex, events, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
      while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == stopped)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, stopped, nullptr, nullptr, 0);
    }
    settle_interrupted_call(*self, *static_cast<ucontext_t *>(context));
  }
  errno = saved_errno;
}

/// The C library's own: that of a sanitizer would call the handler some time after the signal, with registers that are no
/// longer the thread's.
int library_sigaction(int number, const struct sigaction *action, struct sigaction *old) {
  static const auto library =
      reinterpret_cast<decltype(&sigaction)>(dlsym(dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD), "sigaction"));
  return library ? library(number, action, old) : sigaction(number, action, old);
}

} // namespace

Expected<std::unique_ptr<Handshake>> Handshake::create(ThreadRegistry &threads, Options options) {
  std::unique_ptr<Handshake> handshake(new Handshake(threads, options));
  struct sigaction action{};
  action.sa_sigaction = on_stop_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  // All, also the C library's own, which sigfillset leaves out: a stopped thread that is cancelled would unwind its
  // stack while the requester walks it.
  std::memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
  if (options.signal_number < SIGRTMIN || options.signal_number > SIGRTMAX ||
      library_sigaction(options.signal_number, &action, &handshake->previous_) != 0)
    return make_error("signal {} cannot be used to stop threads; choose one from {} to {}", options.signal_number,
                      SIGRTMIN, SIGRTMAX);
  set_stop_signal(options.signal_number);
  unblock_stop_signal(); // whoever started this process may have blocked it
  return handshake;
}

/// A request that was given up may have left a signal pending, which must not end the process.
Handshake::~Handshake() {
  if (previous_.sa_handler == SIG_DFL)
    previous_.sa_handler = SIG_IGN;
  library_sigaction(options_.signal_number, &previous_, nullptr);
}

bool Handshake::when_alone(function_ref<void()> work) {
  std::unique_lock lock = lock_after_waiting(threads_.mutex());
  const bool is_alone =
      all_of(threads_.threads(), [](const auto &each) { return each.get() == ThreadRegistry::current(); });
  if (is_alone)
    work();
  return is_alone;
}

Error Handshake::with_stopped(function_ref<void(StoppedThreads)> work) {
  std::unique_lock lock = lock_after_waiting(threads_.mutex());
  std::vector<pid_t> silent;
  silent.reserve(threads_.threads().size()); // nothing is allocated or freed while threads are stopped
  std::vector<ProgramThread *> stacks;
  stacks.reserve(threads_.threads().size() + threads_.suspended().size());
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
    work(stacks);
  }
  pause.resumed = Clock::now();
  resume_all();
  lock.unlock();
  if (silent.empty()) {
    if (options_.observer)
      options_.observer(pause);
    return Error::success();
  }
  return make_error("thread{} {} did not stop within {} ms; signal {} may be blocked there",
                    silent.size() == 1 ? "" : "s", fmt::join(silent, ", "), options_.limit.count(),
                    options_.signal_number);
}

void Handshake::find_silent(std::vector<pid_t> &silent) const {
  silent.clear();
  for (const auto &thread : threads_.threads())
    if (thread->stop.load(std::memory_order_acquire) == StopState::Requested)
      silent.push_back(thread->tid);
}

void Handshake::send_stop(pid_t tid) const { syscall(SYS_tgkill, getpid(), tid, options_.signal_number); }

void Handshake::stop_all(std::vector<pid_t> &silent) {
  for (const auto &thread : threads_.threads()) {
    if (thread.get() == ThreadRegistry::current())
      continue;
    thread->stop.store(StopState::Requested, std::memory_order_release);
    send_stop(thread->tid);
  }
  Clock::time_point end = Clock::now() + options_.limit;
  for (;;) {
    std::uint32_t events = stop_events.load(std::memory_order_acquire);
    find_silent(silent);
    if (silent.empty() || Clock::now() >= end)
      return;
    timespec left = time_until(std::min(end, Clock::now() + repeat_after));
    futex_wait(stop_events, events, &left);
    if (stop_events.load(std::memory_order_acquire) == events)
      for (pid_t tid : silent)
        send_stop(tid); // the queue of signals may have been full; one too many does no harm
  }
}

void Handshake::resume_all() {
  for (const auto &thread : threads_.threads())
    if (thread->stop.exchange(StopState::Running, std::memory_order_acq_rel) == StopState::Stopped)
      futex_wake(thread->stop);
}

} // namespace osr
