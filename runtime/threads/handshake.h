// Stopping all threads of the program for the time of a walk.
//
//   requester                                   each other registered thread
//   stop := Requested; tgkill ───────────────►  signal handler: context kept, stop := Stopped
//   waits until all are Stopped                 waits on its own futex word
//   visits each (walks, rewrites)
//   stop := Running; futex wake ─────────────►  handler returns, the interrupted code goes on
//
// A thread that stays in the host (staying.h) is held there, without a signal. The code of the program holds no polls for this. A system call that was interrupted goes on, as if no signal had come
// (interrupted_call.h, waiting_call.h).
#pragma once

#include "osr/options.h"
#include "runtime/threads/program_thread.h"
#include "runtime/threads/shared_process.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <chrono>
#include <functional>
#include <utility>

namespace osr {

class Handshake {
public:
  using Pause = StopPause;
  using Options = StopOptions;

  /// Fails when the signal number is not usable, or is not the one that others in this process use (SharedProcess).
  static llvm::Expected<std::unique_ptr<Handshake>> create(ThreadRegistry &threads, Options options);
  /// Stops all registered threads except the calling one, calls `work` with all of them, and lets them go on. `work`
  /// must not allocate, lock or wait: a stopped thread may hold any lock. The calling thread, if it is registered, has
  /// its own registers as context. The error names threads that did not stop in time; then `work` was not called. That
  /// comes soon where a thread waits for the child of its vfork, which may be waiting for what the caller holds.
  llvm::Error with_stopped(llvm::function_ref<void(StoppedThreads)> work);

  /// The calling thread's last stop failed because of a vfork, and it has not asked yet: it is worth to try again, when the
  /// child had time to go on.
  static bool has_just_met_vfork();

  /// Calls `work`, which may not use the registry of threads, and returns true if the calling thread is the only one that is
  /// registered; else nothing happens. None can be registered meanwhile.
  bool when_alone(llvm::function_ref<void()> work);

private:
  Handshake(SharedProcess::Membership process, ThreadRegistry &threads, Options options)
      : process_(std::move(process)), threads_(threads), options_(std::move(options)) {}
  /// Waits until all have stopped or the time is over; `silent`, which has room for all, then lists who has not.
  void stop_all(std::vector<pid_t> &silent) OSR_REQUIRES(threads_.mutex());
  void wait_for_stops(std::vector<pid_t> &silent) OSR_REQUIRES(threads_.mutex());
  void pass_landings(std::vector<pid_t> &silent) OSR_REQUIRES(threads_.mutex());
  void find_silent(std::vector<pid_t> &silent) const OSR_REQUIRES(threads_.mutex());
  bool is_any_silent_in_vfork() const OSR_REQUIRES(threads_.mutex());
  llvm::Error describe(const std::vector<pid_t> &silent) const;
  void request_stop(ProgramThread &thread) const OSR_REQUIRES(threads_.mutex());
  void send_stop(const ProgramThread &thread) const OSR_REQUIRES(threads_.mutex());
  void resume_all() OSR_REQUIRES(threads_.mutex());

  SharedProcess::Membership process_;
  ThreadRegistry &threads_;
  Options options_;
};

} // namespace osr
