// Return stubs: made once per site and kind of landing, found again by site.
#pragma once

#include "runtime/code/slab_arena.h"
#include "runtime/osr/fault.h"
#include "runtime/osr/transition.h"
#include "runtime/osr/version_store.h"
#include "runtime/stack/stub_table.h"

#include <map>

namespace osr {

/// Where the replaced activation goes on.
enum class Landing : std::uint8_t {
  InPlace,      ///< in baseline code
  Continuation, ///< in a continuation of its innermost function, at the optimised tier
};

/// Reasons for which a frame stays as it is, whoever wanted it replaced. Keys of the statistics.
inline constexpr const char *no_record_refusal = "no record at this call (pinned function or exempt call)";
inline constexpr const char *no_room_refusal = "no room on the stack";

/// How stubs are executed.
enum class StubKind : std::uint8_t {
  Generated,   ///< specialised code per site
  Interpreted, ///< generic trampoline and interpreter: the reference
};

struct ReturnStub {
  std::uint64_t entry_pc = 0;
  std::uint64_t original_pc = 0;
  std::int32_t lowest_offset = 0; ///< how far below the CFA the new frames reach
  std::int32_t cfa_from_sp = 0;   ///< of the replaced frame
};

/// Not thread-safe. The parts it is given must outlive it.
class StubFactory {
public:
  StubFactory(VersionStore &versions, const CodeRegistry &registry, SlabArena &arena, StubTable &table,
              Statistics &statistics, StubKind kind, Fault fault = {})
      : versions_(versions), registry_(registry), arena_(arena), table_(table), statistics_(statistics), kind_(kind),
        faults_(fault) {}
  ~StubFactory();

  /// The stub that replaces an activation whose return PC is `return_pc`. Compiles whatever the landing needs. The
  /// error is the reason for refusal; it is remembered.
  llvm::Expected<const ReturnStub *> find_or_make(std::uint64_t return_pc, Landing landing);

  /// The stub if there is one. Allocation-free.
  const ReturnStub *find(std::uint64_t return_pc, Landing landing) const {
    auto found = stubs_.find({return_pc, landing});
    return found == stubs_.end() ? nullptr : &found->second.stub;
  }

  /// True if find_or_make needs to make nothing.
  bool is_known(std::uint64_t return_pc, Landing landing) const {
    return stubs_.contains({return_pc, landing}) || refusals_.contains({return_pc, landing});
  }

  const CanonicalProgram &program() const { return versions_.program(); }
  const VersionStore &versions() const { return versions_; }

private:
  struct Stub {
    ReturnStub stub;
    CodeMemory memory;
    DebuggerRegistration debugger;
    TransitionScript script; ///< kept for the interpreter
  };

  llvm::Error make(std::uint64_t return_pc, Landing landing, Stub &stub);
  llvm::Expected<TransitionPlan> plan(const CodeObject &object, SiteRecord record, UnwindRow row, Landing landing);
  llvm::Error emit(Stub &stub, TransitionScript script);
  void publish(Stub &stub, const CodeObject &object, SiteId site, const UnwindRow &row);

  VersionStore &versions_;
  const CodeRegistry &registry_;
  SlabArena &arena_;
  StubTable &table_;
  Statistics &statistics_;
  StubKind kind_;
  FaultSeeder faults_;
  std::map<std::pair<std::uint64_t, Landing>, Stub> stubs_;
  std::map<std::pair<std::uint64_t, Landing>, std::string> refusals_;
};

} // namespace osr
