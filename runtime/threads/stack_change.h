// What a change of stacks means to the registry: each has two sides, and the registry knows the one that is left.
//
// The registry's lock is held from depart() to arrive(): nobody stops the thread while its registers and its record belong to
// different stacks.
#pragma once

#include "osr-stubs/switch_stack.h"
#include "runtime/threads/program_thread.h"

namespace osr {

/// What the C++ library keeps for a thread about exceptions that were caught or are in flight: that of a stack goes with
/// it. The layout is the Itanium C++ ABI's (__cxa_eh_globals).
struct CaughtExceptions {
  void *caught = nullptr;
  unsigned int uncaught = 0;
};

/// One side of a change, as it was left.
struct StackSide {
  ProgramThread stack; ///< what walks begin with
  StackContext context;
  CaughtExceptions exceptions;
  Presence presence = Presence::Away;
  void *sanitizer = nullptr; ///< what AddressSanitizer keeps for a stack that was left

  StackSide() = default;
  /// A stack of so many bytes.
  void lies_at(std::uint64_t low, std::uint64_t bytes) {
    stack.stack_begin = low;
    stack.stack_low = low + stack_reserve;
    stack.stack_high = low + bytes;
  }
  /// No thread runs on it, and none ever will: what is there counts no more.
  void give_up();
};

enum class Departure : std::uint8_t {
  ForNow,
  ForGood, ///< nothing is left on it
};

/// In an attached thread: it is about to leave one stack for another one.
void depart(StackSide &from, StackSide &to, Departure departure = Departure::ForNow);

enum class Arrival : std::uint8_t {
  AsSaid,
  Elsewhere, ///< another one was said; the registry has it right now
  Untold, ///< nobody has said anything: the registry does not know
};

/// Behind the change, on the other side.
Arrival arrive(StackSide &at);

/// Nobody has said how `left` was left, in this thread, which is at `at` now: its activations cannot be found any more, and
/// whoever looks for them is told so.
void arrive_untold(StackSide &at, StackSide &left);

} // namespace osr
