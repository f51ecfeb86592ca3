// Bringing all threads of the program to where a collector finds all that they hold: in frames at sites, and nowhere else.
//
//   collector                                        each other thread
//   closes the gate; poll words := Safepoint ──────► its next poll: Away; waits at the gate
//   waits until nobody is Inside       ◄──────────── or it leaves the program, or says that it is away
//   looks, changes                                   who enters, or comes back, waits
//   opens the gate ────────────────────────────────► Inside; goes on
//
// A function of the host that the program has called is Inside too, until it returns, polls, or says that it is away.
#pragma once

#include "runtime/threads/program_thread.h"

#include <llvm/Support/Error.h>

#include <chrono>
#include <memory>

namespace osr {

/// One per process. Costs nothing before somebody has said that it is used.
class SafepointGate {
public:
  /// From here on threads say when they come and go. Before any does.
  void use() { is_used_.store(true, std::memory_order_relaxed); }

  /// The calling thread, which was Away, is Inside when this returns. Async-signal-safe.
  void enter(ProgramThread &thread);
  /// The calling thread, which was Inside, is Away.
  void leave(ProgramThread &thread);
  /// In a poll: waits while the gate is closed.
  void pass(ProgramThread &thread) {
    if (is_closed_.load(std::memory_order_acquire) != 0 &&
        thread.presence.load(std::memory_order_relaxed) == Presence::Inside) {
      leave(thread);
      enter(thread);
    }
  }
  /// In the child of a fork: whoever else was about to close it is not there.
  void forget_other_threads(ThreadRegistry &threads) OSR_REQUIRES(threads.mutex());
  /// The calling thread has closed it.
  static bool is_closed_by_this_thread();
  bool is_used() const { return is_used_.load(std::memory_order_relaxed); }

  /// While one exists, the gate is closed. One at a time: others wait, and are no obstacle to it.
  class Closed {
  public:
    /// Returns when no thread is Inside. The error names threads that came to no safepoint within `limit`; then it is open.
    static llvm::Expected<Closed>
    close(SafepointGate &gate, ThreadRegistry &threads,
          std::chrono::milliseconds limit) OSR_UNCHECKED_LOCKS; // the destructor gives back
    Closed(Closed &&other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), threads_(other.threads_), was_inside_(other.was_inside_) {}
    Closed &operator=(Closed &&) = delete;
    ~Closed() OSR_UNCHECKED_LOCKS;

  private:
    Closed(SafepointGate &gate, ThreadRegistry &threads) : gate_(&gate), threads_(threads) {}

    SafepointGate *gate_;
    ThreadRegistry &threads_;
    bool was_inside_ = false; ///< the thread that closed it, which is Away meanwhile
  };

  /// While one exists, no other thread is at a safepoint: what collectors have found on a stack may go.
  class Open {
  public:
    explicit Open(SafepointGate &gate) OSR_UNCHECKED_LOCKS; // the destructor gives back
    ~Open() OSR_UNCHECKED_LOCKS;
    Open(const Open &) = delete;
    Open &operator=(const Open &) = delete;

  private:
    TurnMutex *collectors_ =
        nullptr; ///< null: this thread is Inside, so nobody closes the gate, or has closed it itself
  };

private:
  void ask(ThreadRegistry &threads, std::vector<pid_t> &inside);
  void open(ThreadRegistry &threads);
  void take_back(ThreadRegistry &threads) OSR_REQUIRES(threads.mutex());

  std::atomic<bool> is_used_ = false;
  std::atomic<std::uint32_t> is_closed_ = 0, departures_ = 0;
  std::unique_ptr<TurnMutex> collectors_ = std::make_unique<TurnMutex>();
};

SafepointGate &process_safepoints();

/// The calling thread is Away from here on. False: it was, or is not registered.
bool go_away_from_program();
/// It is Inside again.
void come_back_to_program();

/// The calling thread is Inside while one exists; with a fiber, it may end in another thread.
class InsideProgram {
public:
  explicit InsideProgram(ProgramThread &thread) {
    if (process_safepoints().is_used() && &thread == ThreadRegistry::current() &&
        thread.presence.load(std::memory_order_relaxed) == Presence::Away) {
      process_safepoints().enter(thread);
      has_entered_ = true;
    }
  }
  ~InsideProgram() {
    if (has_entered_)
      go_away_from_program();
  }
  InsideProgram(const InsideProgram &) = delete;
  InsideProgram &operator=(const InsideProgram &) = delete;

private:
  bool has_entered_ = false;
};

} // namespace osr
