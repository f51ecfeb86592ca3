// Return PCs: the one place of this project that changes words on a live stack outside of a transition's commit.
//
// Rewriting sends the return of a callee into a stub instead of into the frame. Rules, each of them checked:
//  - the slot lies at CFA-8 of the newer frame, at or above the newest sp;
//  - the slot holds the original PC, or the entry of a stub for it (rewriting twice is allowed and changes nothing);
//  - the store is one aligned 8-byte store: a thread that returns meanwhile takes the old way or the new one.
#pragma once

#include "runtime/stack/frame_cursor.h"

namespace osr {

/// The return PC of one frame of a stack that is not running: its thread is stopped, or it is the calling thread and
/// the frame is not its newest one. Cheap to copy; valid until the frame returns.
class ReturnPc {
public:
  /// `frame` must have a return-PC slot (kind ReturnPc).
  ReturnPc(const Frame &frame, const StubLookup &stubs);

  std::uintptr_t slot() const { return slot_; }
  /// The PC of the frame, whether the slot has been rewritten or not.
  std::uintptr_t original() const { return original_; }
  /// What the slot holds now.
  std::uintptr_t current() const;
  bool is_rewritten() const { return current() != original_; }

  /// Makes the callee return to `stub_pc`, a stub for original(). False: it did so already. Allocation-free.
  bool rewrite(std::uintptr_t stub_pc) const noexcept;
  /// Puts the original PC back. False: it was there already. Allocation-free.
  bool undo() const noexcept;

private:
  bool replace(std::uintptr_t pc) const noexcept;

  std::uintptr_t slot_;
  std::uintptr_t original_;
  const StubLookup &stubs_;
};

} // namespace osr
