// What the stacks of all threads say about pieces of memory that hold code: may control still come into them?
//
// Control comes into code by the pc at which a thread was stopped or interrupted, by a return PC, or by the jump that a
// thread in the entry hook is about to make. A return PC that has been rewritten leads into its stub, not into the code
// that it stood for. All of it is on the stacks: there are no counters that a longjmp could leave wrong.
#pragma once

#include "runtime/code/free_extents.h"
#include "runtime/threads/stopped_walk.h"

#include <cstdint>
#include <vector>

namespace osr {

/// A call has come to the entry hook.
bool is_entry_hook(const Frame &frame);
/// Of such a frame: EntryFrame::hook.
const void *hook_of(const Frame &frame);

/// Filled in one stop of all threads, read afterwards. Holds for as long as no new way into the watched memory is made:
/// what no thread could reach in the stop stays out of reach. Example:
///
///     StackEvidence evidence;
///     evidence.watch(object.linked.code);
///     evidence.seal();
///     handshake.with_stopped([&](auto threads) {
///       RulesFinder rules(code, stubs);
///       for (auto &thread : threads)
///         evidence.visit(*thread, rules);
///     });
///     if (evidence.is_complete() && !evidence.leads_into(object.linked.code)) ...
class StackEvidence {
public:
  /// Ranges do not overlap.
  void watch(const Extent &range) { ranges_.push_back({range, false}); }
  /// No range comes after this. From here to the end of the stop nothing allocates.
  void seal();

  /// Looks at one stopped thread. `rules` serves all of them. What frames hide that cannot be walked counts word by word; unless the thread
  /// is not settled, and `is_last` not set: then it is worth to stop again.
  void visit(const ProgramThread &thread, RulesFinder &rules, bool is_last = false);

  /// Control may come to `pc` in a way that no stack shows. True: nothing had shown so before.
  bool reach(std::uintptr_t pc);

  /// False: some thread could not be walked, or was executing a transition. Then nothing is known; stop again.
  bool is_complete() const { return status_ == WalkStatus::ReachedBase && !in_transition_; }
  /// There is a stack of which nobody knows what is on it: it does not help to stop again.
  bool is_any_unseen() const { return is_any_unseen_; }
  /// `range` must have been watched.
  bool leads_into(const Extent &range) const;
  /// Activations that were looked at.
  std::uint64_t frames() const { return frames_; }

private:
  struct Range {
    Extent extent;
    bool is_reached = false;
  };
  void look_at(const Frame &frame);
  void look_at_foreign(const Frame &frame);
  void reach_word(std::uintptr_t word);

  std::vector<Range> ranges_; ///< ascending
  Extent unwinder_;
  std::uintptr_t foreign_begin_ =
      0; ///< where the frames begin, newest first, between this one and the last of our code
  bool passed_own_ = false; ///< a frame of our code
  bool in_newest_unwinder_ = false; ///< no such frame is newer than one of the unwinder
  WalkStatus status_ = WalkStatus::ReachedBase;
  bool in_transition_ = false, is_any_unseen_ = false;
  std::uint64_t frames_ = 0;
};

} // namespace osr
