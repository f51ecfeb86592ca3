// Compiled code as walks see it that have other code in mind: those of other runtimes in the process.
//
// A stack may hold frames of several runtimes: one calls the host, which calls the other. For each of them the frames of the
// others are like the host's: passed, and never changed.
#pragma once

#include "runtime/code/code_registry.h"
#include "runtime/code/entry_table.h"
#include "runtime/stack/foreign_frames.h"
#include "runtime/stack/stub_table.h"

namespace osr {

/// The parts must outlive it.
class WalkableCode {
public:
  WalkableCode(Extent addresses, const CodeRegistry &registry, const StubTable &stubs, const EntryTable &entries)
      : addresses_(addresses), registry_(registry), stubs_(stubs), entries_(entries) {}
  ~WalkableCode();
  WalkableCode(const WalkableCode &) = delete;
  WalkableCode &operator=(const WalkableCode &) = delete;

  /// From now on all walks pass through it.
  void show();

  /// How to step out of a frame.
  struct Rules {
    StepRules step;
    std::uintptr_t pc = 0; ///< the original pc
  };
  /// Of a frame that is in the code of some runtime; Kind::None: it is in none, or where no walk is possible. Lock-free,
  /// allocation-free, async-signal-safe.
  static Rules find_rules(std::uintptr_t pc, PcKind kind);
  /// Whether an address is where some runtime has its code.
  static bool is_of_any(std::uintptr_t pc);

private:
  Rules rules_at(std::uintptr_t pc, PcKind kind) const;

  Extent addresses_;
  const CodeRegistry &registry_;
  const StubTable &stubs_;
  const EntryTable &entries_;
};

} // namespace osr
