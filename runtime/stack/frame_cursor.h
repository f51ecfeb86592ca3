// The stack walk: a cursor over the activations of one thread, newest to oldest.
//
//   for (FrameCursor cursor(start, code, stubs, bounds); !cursor.done(); cursor.advance())
//     use(cursor.frame());
//   if (cursor.status() != WalkStatus::ReachedBase) ...   // do not act on a walk that did not get there
//
// The words used here are drawn in frame_layout.h.
#pragma once

#include "runtime/machine/register_set.h"
#include "runtime/stack/frame_rules.h"
#include "runtime/stack/step_check.h"

#include <optional>

namespace osr {

/// One activation as the walk sees it.
struct Frame {
  std::uintptr_t pc = 0;             ///< always the original pc, never a stub's
  std::uintptr_t stub_pc = 0;        ///< what the slot holds if it has been rewritten, else 0
  const CodeObject *code = nullptr;  ///< null: foreign code, or code of ours that is not a code object
  const UnwindRow *row = nullptr;    ///< by which it was left; null for foreign code
  std::uintptr_t sp = 0;             ///< equals the CFA of the newer frame
  std::uintptr_t cfa = 0;            ///< identity of the frame
  std::uintptr_t return_pc_slot = 0; ///< address of the word by which control comes back here; 0 if the pc is exact
  std::uintptr_t newest_sp = 0;      ///< of the newest frame on the same stack: nothing below it is alive
  PcKind kind = PcKind::ReturnPc;
  bool is_site = false;              ///< there is a stack map record for this pc
};

/// Where a walk starts.
struct WalkStart {
  RegisterSet registers;
  PcKind kind = PcKind::ReturnPc; ///< ReturnPc: registers.sp is the CFA of the callee, and the slot lies below it
};

/// Allocation-free; takes no lock (but see step_foreign); async-signal-safe. The stack must not change meanwhile,
/// apart from return PCs that are rewritten through ReturnPc.
///
/// A frame of our code that breaks the rules of frames is a bug and stops the process, as long as only our own
/// frames were passed. Behind a foreign frame it ends the walk instead: a thread can be stopped inside the few
/// instructions by which an exception lands, and then registers and stack do not fit together.
class FrameCursor {
public:
  /// Frames: what copies the registers, and what copies a word for that.
  static constexpr unsigned most_landing_helpers = 2;

  FrameCursor(const WalkStart &start, const CodeLookup &code, const StubLookup &stubs, const StackBounds &bounds);
  /// With a finder that outlives the cursor: walks of several stacks that stand still together share what they find, one
  /// after the other.
  FrameCursor(const WalkStart &start, RulesFinder &rules, const StackBounds &bounds);
  FrameCursor(const FrameCursor &) = delete;
  FrameCursor &operator=(const FrameCursor &) = delete;

  /// No frame is left; status() says why.
  bool done() const { return status_ != WalkStatus::Walking; }
  WalkStatus status() const { return status_; }
  /// The current activation. Only while !done(). It has been stepped out of successfully, so cfa is checked.
  const Frame &frame() const { return frame_; }
  /// Registers as the current activation sees them; pc is the original pc.
  const RegisterSet &registers() const { return registers_; }
  /// To the next older activation.
  void advance();
  /// Where the walk ended. Meaningful if done().
  std::uintptr_t last_pc() const { return registers().pc; }
  std::uintptr_t last_sp() const { return registers().sp; }

private:
  void enter_stack(std::uintptr_t sp);
  void enter(PcKind kind);
  void enter_by(const FrameRules &rules, PcKind kind);
  bool is_row_of_unwinder(const FrameRules &rules) const;
  void check_astray();
  void find_older_without_row(const FrameRules &rules);

  std::optional<RulesFinder> own_rules_;
  RulesFinder &rules_;
  StackBounds bounds_;
  std::uintptr_t base_ = 0, limit_ = 0; ///< of the stack that the current frame is on, as in StackBounds
  Frame frame_;
  RegisterSet registers_; ///< of the current frame
  const FrameRules *by_row_ = nullptr; ///< whose row leads to the older frame, on advance(); null: that has older_
  RegisterSet older_;
  PcKind older_kind_ = PcKind::ReturnPc;
  WalkStatus status_ = WalkStatus::Walking;
  /// Rows of ours are right, but other code may describe itself wrongly, and so may a frame that was interrupted: assembly
  /// of the program may just have pushed something.
  bool may_be_astray_ = false;
  std::uint64_t since_exact_ = most_landing_helpers; ///< frames since the last one that was interrupted
  bool is_on_alternate_ = false;
};

} // namespace osr
