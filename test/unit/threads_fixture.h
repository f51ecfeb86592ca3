// Threads for tests of the registry and of handshakes.
#pragma once

#include "runtime/threads/handshake.h"
#include "test/support/catch_header.h"
#include "test/unit/plain_code.h"

#include <llvm/ADT/STLExtras.h>

#include <functional>
#include <memory>
#include <pthread.h>
#include <thread>

namespace osr {

constexpr std::size_t small_object_stack = 1 << 20;

/// A test case with this tag stops threads wherever they are; the others only in plain_code.h, once wait_for_progress() or
/// wait_until_counting() has returned.
#define OSR_STOPS_ANYWHERE "[stops-anywhere]"

inline std::size_t count_threads(ThreadRegistry &registry) OSR_EXCLUDES(registry.mutex()) {
  Lock lock(registry.mutex());
  return registry.threads().size();
}

/// A registered thread that counts. The destructor ends spin() and joins.
class TestThread {
public:
  using Body = std::function<void(TestThread &)>;
  /// Returns when the thread is registered.
  TestThread(ThreadRegistry &registry, Body body, bool then_spin = false);
  ~TestThread() { join(); }

  // In the thread.
  void spin() { spin_until(ending_); }
  void spin_until(const std::atomic<bool> &end) { plain::count_until(end, count_); }
  std::atomic<std::uint64_t> &counter() { return count_; }

  // In other threads.
  pid_t tid() const { return tid_; }
  std::uint64_t count() const { return count_; }
  void wait_for_progress() const;
  void wait_until_counting() const;
  void wait_until_spinning() const;
  void join();
  /// Ends the thread although its record is gone.
  void forget();

private:
  std::atomic<std::uint64_t> count_ = 0;
  std::atomic<pid_t> tid_ = 0;
  std::atomic<bool> ending_ = false, spinning_ = false, forgotten_ = false;
  std::thread thread_;
};

/// A registry with its handshake; stopping its threads must succeed.
struct Stopper {
  explicit Stopper(Handshake::Options options = {.limit = std::chrono::seconds(60)})
      : handshake(llvm::cantFail(Handshake::create(registry, options))) {}

  template <typename Work> void stop(Work work) { llvm::cantFail(handshake->with_stopped(work)); }
  /// Stops all threads until `thread` is found inside a system call that will be restarted; then does `work` in that
  /// stop.
  void stop_inside(const TestThread &thread, long call, llvm::function_ref<void()> work = [] {});
  void stop_inside(pid_t tid, long call, llvm::function_ref<void()> work);

  ThreadRegistry registry;
  std::unique_ptr<Handshake> handshake;
};

struct Pipe {
  Pipe();
  ~Pipe();
  int reading = -1, writing = -1;
};

/// All signals that a program can block, for the calling thread.
class SignalsBlocked {
public:
  SignalsBlocked();
  ~SignalsBlocked();

private:
  sigset_t previous_;
};

bool all_but_current_stopped(StoppedThreads threads);

/// Whether a signal interrupted this thread in a system call that starts again when the handler returns: then the
/// kernel has put the pc back to the call.
bool will_restart(const ProgramThread &thread, long call);

/// Threads that do `begin` and end in each way that there is.
template <auto begin>
inline constexpr void *(*endings_of[])(void *) = {
    [](void *argument) -> void * {
      begin();
      return argument;
    },
    [](void *argument) -> void * {
      begin();
      pthread_exit(argument);
    },
    [](void *) -> void * {
      begin();
      pthread_cancel(pthread_self());
      for (;;)
        pthread_testcancel();
    },
};

} // namespace osr
