// What happens in the polls of loops (compiler/sites/loop_polls.h): threads wait there for a request.
//
//   requester                                        thread in a loop without calls
//   stops all; finds a frame that is running
//   word := Wait; lets all go on                     the next poll finds the word
//   waits for arrivals, but not for long ◄────────── word := Waiting; waits on the word
//   stops all; walks: the frame is in a call now,
//   its return PC is rewritten; lets all go on
//   word := None; wakes ───────────────────────────► osr_loop_poll returns, into the stub
//
// A thread that comes to no poll is given up after a while. Whatever locks a waiting thread holds, and whoever waits for
// them: nobody waits here for longer than the requester's patience and a stop.
#pragma once

#include "runtime/code/code_session.h"
#include "runtime/threads/program_thread.h"

#include <chrono>
#include <optional>
#include <vector>

namespace osr {

/// The requester's side. One request at a time; those of several runtimes may ask the same thread, which goes on when all of
/// them have released it.
class LoopPolls {
public:
  explicit LoopPolls(ThreadRegistry &threads);
  ~LoopPolls() { release(); }

  /// While the thread is stopped: from its next poll on it waits until release(). Async-signal-safe.
  void ask(const ProgramThread &thread);
  /// True as soon as all that were asked wait or have ended; false if that takes longer than `patience`.
  bool wait(std::chrono::milliseconds patience);
  /// All that were asked go on, or need not wait any more. Returns the seconds since the first of them was asked.
  double release();

private:
  bool all_wait();

  ThreadRegistry &threads_;
  std::uint64_t asker_; ///< a bit
  std::optional<std::chrono::steady_clock::time_point> asked_at_;
};

/// Called in a thread of the program by a poll that finds Flip or FlipEach. `return_pc_slot` holds the return PC into the
/// frame that polls.
using PollHandler = void(std::uint64_t return_pc_slot);

/// The function that polls call.
std::vector<AbsoluteSymbol> loop_poll_symbols();
/// Who is called then, in the whole process. `handler` must not throw. Nor must `counted`, which every poll calls first: code
/// whose polls count comes there without being asked.
void answer_polls(PollHandler *handler, PollHandler *counted);

/// The next poll of every thread of which nobody asks anything calls the handler, once.
void flip_at_next_poll(ThreadRegistry &threads);

} // namespace osr
