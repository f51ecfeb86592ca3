// One compiled version of one function, and all that the runtime knows about it.
#pragma once

#include "compiler/base/site.h"
#include "runtime/code/linked_object.h"
#include "runtime/code/unwind_rows.h"
#include "runtime/stackmap/site_table.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace osr {

/// Life of a code object. Each state leads to the next one only.
enum class CodeState : std::uint8_t {
  NotInstalled, ///< linked and registered, nobody can enter it yet
  InUse,        ///< reachable: by an entry, a landing or a return stub
  NotEntrant,   ///< no new way in; activations may remain
  Quiescent,    ///< no activation, no return PC, no pending stub leads into it
  Freed,        ///< its memory is gone
};

const char *to_string(CodeState state);

struct HeatCounter; // compiler/tiers/count_heat.h

using CodeObjectId = std::uint32_t;

/// Where an FDE is that unwinders may read, and what it says about exceptions.
struct PlacedFde {
  std::uint64_t begin = 0, end = 0; ///< the code that it describes
  std::uint64_t address = 0;
  std::uint64_t personality = 0; ///< address of the function that is asked about exceptions; 0: none
  std::uint64_t lsda = 0;        ///< address of the table for it; 0: none
};

/// Everything but the state is set before the object is registered and never changes until it is freed, so reading
/// needs no lock.
struct CodeObject {
  CodeObjectId id = 0;
  FunctionId function = 0;
  Tier tier = Tier::Baseline;
  std::optional<std::uint32_t> continuation_site; ///< set: this is f@k, entered with a state buffer
  std::uint64_t code_begin = 0;
  std::uint64_t code_size = 0;    ///< bytes
  std::uint64_t entry_pc = 0;     ///< in [code_begin, code_begin+code_size)
  SiteTable sites;                ///< offsets from code_begin
  UnwindRows rows;                ///< offsets from code_begin
  std::vector<PlacedFde> fdes;    ///< most often one
  /// A copy of linked.exception_tables: stubs are also made for activations whose code has been freed.
  std::vector<std::uint8_t> exception_tables;
  const char *name = nullptr, *function_name = nullptr; ///< for the program; valid for ever; null: none
  bool has_loop_sites = false;    ///< a loop in it polls
  bool uses_references = false;   ///< its function does, or one that was inlined
  std::int32_t cfa_from_sp = 0;   ///< CFA = rsp + this at every site of the object, in bytes
  HeatCounter *heat = nullptr;    ///< what its polls count down; null: they do not
  LinkedObject linked;

  VersionKey version() const { return {function, tier, continuation_site}; }
  bool contains(std::uint64_t pc) const { return pc - code_begin < code_size; }
  /// Offset of a PC of this object; the end is allowed, a return PC may be there.
  std::uint32_t offset_of(std::uint64_t pc) const { return std::uint32_t(pc - code_begin); }

  CodeState state() const { return state_.load(std::memory_order_acquire); }
  /// The only function that moves the state; anything but a step to a later state is a bug (OSR_CHECK).
  void advance_to(CodeState next);

private:
  std::atomic<CodeState> state_ = CodeState::NotInstalled;
};

} // namespace osr
