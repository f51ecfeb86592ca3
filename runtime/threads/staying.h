// A thread that stays in a function of the host's, which the program has called: nothing changes on its stack from the newest activation on.
//
//   thread                                    requester
//   stay := Yes, with the registers of the
//   newest activation
//                                             stay: Yes -> Held     instead of a signal
//                                             walks from there, rewrites
//                                             stay := Yes; wake
//   stay: Yes -> No; waits while it is Held
#pragma once

#include "runtime/threads/program_thread.h"

namespace osr {

/// The calling thread stays where it is until end_stay(). False: it does so already, there is no activation, or its stack cannot be walked: then it
/// is stopped by a signal, as ever.
bool begin_stay();
/// It may go on. Without effect if it does not stay. Async-signal-safe. Unwinders call it before they read what a requester may be
/// changing (fde_finder.cpp): an exception that leaves the function of the host's ends the stay before it looks for a handler.
void end_stay();

/// By a requester that stops all threads: this one is held, if it stays, until release_held().
bool hold(ProgramThread &thread);
void release_held(ProgramThread &thread);

/// While one exists, the calling thread, which may stay, enters the program once more.
class NotStaying {
public:
  NotStaying();
  ~NotStaying();
  NotStaying(const NotStaying &) = delete;
  NotStaying &operator=(const NotStaying &) = delete;

private:
  ProgramThread *stayed_ = nullptr;
  OutsideRegisters stays_at_; ///< what the host calls meanwhile may stay, too
  int exceptions_ = 0; ///< in flight before
};

} // namespace osr
