// Stacks that a program makes itself, and changes to by functions of the C library (context_calls.h).
//
// While threads run, nobody says on which stack one is: its stack pointer does, when it has stopped. For the time of a stop the records
// are put right, so that whoever looks at stacks finds what waits on these like what waits on others:
//
//   while threads run            in the stop
//   thread A: its own stack      thread A: made stack 1, if that is where its stack pointer is
//   made stack 1                 that record: A's own stack, which waits where it was left
//   made stack 2                 waits where it was left
#pragma once

#include "runtime/code/free_extents.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace osr {

struct ProgramThread;

/// With the registry's lock. Looking is O(log n), until a stack lies within another one: in an object of one of its frames, say.
class MadeStacks {
public:
  MadeStacks();
  ~MadeStacks();

  /// A context is to begin on this memory. What was on it counts no more. False: the caller, at `sp`, is on a stack that it overlaps, and not
  /// within it, so nothing is known.
  bool add(Extent memory, std::uint64_t sp);
  /// This memory is a thread's stack now.
  void give_away(Extent memory) { make_room(memory); }
  /// The innermost one. Null: it is not known.
  ProgramThread *find(std::uint64_t sp);
  /// The function of a context begins on the stack, which is returned. Null: it is not known.
  ProgramThread *begin(std::uint64_t cfa, std::uint64_t return_pc);
  /// It has returned; if another context is to go on, nobody comes back.
  void end(std::uint64_t sp, bool is_for_good);
  /// Some lie within others.
  bool are_nested() const { return are_nested_; }

  std::size_t count() const { return stacks_.size(); }
  /// Before a stop, in which nothing is allocated.
  void reserve(std::size_t threads) { occupied_.reserve(threads); }
  /// Where it begins, all threads standing still: also adds to `waiting`, which has room, what waits for a thread.
  void begin_stop(const std::vector<std::unique_ptr<ProgramThread>> &threads, std::vector<ProgramThread *> &waiting);
  void end_stop();

private:
  struct Made {
    std::unique_ptr<ProgramThread> stack;
    bool has_ended = false; ///< and its context, if it has one, is not in use
    bool is_occupied = false; ///< in a stop, by a thread
  };
  /// By their ends, and of those that have the same one the smallest first.
  using Stacks = std::map<std::pair<std::uint64_t, std::uint64_t>, Made>;
  Made *made_at(std::uint64_t sp);
  Made *stack_of(const ProgramThread &thread);
  bool is_reused_by(Extent memory, const Made &made) const;
  void make_room(Extent memory);
  Stacks::iterator drop(Stacks::iterator made);
  void purge();

  Stacks stacks_;
  std::vector<std::unique_ptr<ProgramThread>> spare_; ///< a thread may still think that it is there
  std::size_t purge_at_ = 64;
  bool are_nested_ = false;
  std::vector<std::pair<ProgramThread *, ProgramThread *>>
      occupied_; ///< in a stop: a thread, and the record of the stack it is on
};

} // namespace osr
