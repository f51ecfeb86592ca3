// Compiled code as walks see it that have other code in mind: that of other runtimes in the process, and of the host's own
// JIT.
//
// A stack may hold frames of several runtimes: one calls the host, which calls the other. For each of them the frames of the
// others are like the host's: passed, and never changed.
#pragma once

#include "runtime/code/code_registry.h"
#include "runtime/code/entry_table.h"
#include "runtime/stack/foreign_frames.h"
#include "runtime/stack/stub_table.h"

namespace osr {

class WalkableCode {
public:
  WalkableCode(const WalkableCode &) = delete;
  WalkableCode &operator=(const WalkableCode &) = delete;

  /// From now on all walks pass through it, until hide().
  void show();

  /// How to step out of a frame.
  struct Rules {
    StepRules step;
    std::uintptr_t pc = 0; ///< the original pc
  };
  /// Of a frame that is in code that was shown; Kind::None: it is in none, or where no walk is possible. Lock-free,
  /// allocation-free, async-signal-safe.
  static Rules find_rules(std::uintptr_t pc, PcKind kind);
  /// Whether an address is where code that was shown may be.
  static bool is_of_any(std::uintptr_t pc);

protected:
  explicit WalkableCode(Extent addresses) : addresses_(addresses) {}
  ~WalkableCode() = default;
  /// To be called before anything that the rules are made from goes.
  void hide();

private:
  /// Async-signal-safe, while others may change what has nothing to do with this pc.
  virtual Rules rules_at(std::uintptr_t pc, PcKind kind) const = 0;

  Extent addresses_;
};

/// That of a runtime. The parts must outlive it.
class WalkableRuntime final : public WalkableCode {
public:
  WalkableRuntime(Extent addresses, const CodeRegistry &registry, const StubTable &stubs, const EntryTable &entries)
      : WalkableCode(addresses), registry_(registry), stubs_(stubs), entries_(entries) {}
  ~WalkableRuntime() { hide(); }

private:
  Rules rules_at(std::uintptr_t pc, PcKind kind) const override;

  const CodeRegistry &registry_;
  const StubTable &stubs_;
  const EntryTable &entries_;
};

/// A piece of code that has nothing but unwind rows.
class WalkableRows final : public WalkableCode {
public:
  /// Offsets are from the beginning of `code`.
  WalkableRows(Extent code, UnwindRows rows) : WalkableCode(code), begin_(code.begin), rows_(std::move(rows)) {}
  ~WalkableRows() { hide(); }

private:
  Rules rules_at(std::uintptr_t pc, PcKind kind) const override;

  std::uintptr_t begin_;
  UnwindRows rows_;
};

} // namespace osr
