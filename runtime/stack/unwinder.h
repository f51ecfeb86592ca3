// Steps out of frames that have no rows of ours, and shows our code to libunwind. The only user of libunwind in this project.
//
// No step is libunwind's. It guesses where it has no information (it follows rbp and returns frames that do not exist, without an
// error), it takes locks, of which a stopped thread may hold the loader's, it costs 300-650 ns a step, and it looks at memory by
// writing it to a pipe that it keeps: under the numbers of those descriptors the program has files of its own sooner or later, and
// libunwind would take a byte out of one and write one into the other. So a walk ends at rules that are none of StepRules, and at
// code that others have registered with libunwind.
#pragma once

#include "runtime/machine/register_set.h"
#include "runtime/stack/foreign_frames.h"
#include "runtime/stack/frame_layout.h"
#include "runtime/stack/step_check.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <memory>

namespace osr {

/// The rules for a frame of code that is not ours: the dynamic linker's or libunwind's. Lock-free, no allocation.
StepRules find_foreign_rules(std::uintptr_t pc, PcKind kind);

/// One step out of a foreign frame whose rules are of any kind but Row. `registers` and `kind` become those of the next
/// older frame; they are unspecified when the result is not Walking. Checked: the pc is described by somebody, and the
/// step obeys check_step. Allocation-free, takes no lock.
WalkStatus step_foreign(const StepRules &rules, RegisterSet &registers, PcKind &kind, const StackBounds &bounds);

/// Makes libunwind (ours and that of foreign users such as profilers) know a piece of our code, for the lifetime of
/// the object. Creating and destroying takes libunwind's lock; no thread may be inside libunwind for this code while
/// the object is destroyed.
class UnwindRegistration {
public:
  UnwindRegistration();
  UnwindRegistration(UnwindRegistration &&) noexcept;
  UnwindRegistration &operator=(UnwindRegistration &&) noexcept;
  ~UnwindRegistration();

  /// `eh_frame` is at its final address and stays there for the lifetime of the result. Fails on malformed sections
  /// and on a section without any FDE for the code.
  static llvm::Expected<UnwindRegistration> add(std::uintptr_t code_begin, std::size_t code_size,
                                                llvm::ArrayRef<std::uint8_t> eh_frame);

  /// The rules for code that some registration (or somebody else's, then Kind::Other) describes. Lock-free.
  static StepRules find_rules(std::uintptr_t pc);

private:
  struct Entry;
  std::unique_ptr<Entry> entry_;
};

} // namespace osr
