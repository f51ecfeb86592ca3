// Failed guards: optimised code calls osr_guard_failed where it was not compiled any further (exit_calls.h), and the
// activation goes on behind the same call of baseline code.
//
//     optimised code of f                      runtime                          baseline code of f
//     br c, on, exit
//     exit: call osr_guard_failed ──────────►  the return PC of this call
//           (call it again)                    := in-place stub of its site
//                                        ◄──┐  counts; drops the assumption
//                                           └─ returns ──► stub ──────────────► behind its call
#pragma once

#include "runtime/engine/engine.h"

#include <llvm/Support/Error.h>

#include <map>
#include <optional>
#include <vector>

namespace osr {

/// Called in a thread of the program; `return_pc_slot` holds the return PC into the frame whose guard has failed.
using GuardHandler = void(std::uint64_t return_pc_slot, std::uint32_t reason);

/// The function that is called when a guard has failed.
std::vector<AbsoluteSymbol> guard_exit_symbols();
/// Who is called then, in the whole process. It must not throw.
void answer_failed_guards(GuardHandler *handler);

/// What baseline code calls to count.
std::vector<AbsoluteSymbol> profile_symbols();

/// Sends activations away and counts. The engine must outlive it.
class GuardExits {
public:
  /// The assumption is dropped when it has failed so often.
  GuardExits(Engine &engine, std::uint64_t most_failures)
      : stubs_(engine.stubs()), registry_(engine.registry()), table_(engine.stub_table()),
        redirector_(engine.redirector()), statistics_(engine.statistics()), events_(engine.events()),
        most_failures_(most_failures) {}

  /// Makes the activation that will return there go on in baseline code, unless it is there or goes elsewhere already.
  /// Returns the site if its guard has now failed too often. The error says why the activation cannot go anywhere.
  llvm::Expected<std::optional<SiteId>> leave(std::uint64_t return_pc_slot, std::uint32_t reason)
      OSR_REQUIRES(engine_lock);

private:
  std::optional<SiteId> count(SiteId guard, std::uint32_t reason) OSR_REQUIRES(engine_lock);

  StubFactory &stubs_;
  const CodeRegistry &registry_;
  const StubTable &table_;
  FrameRedirector &redirector_;
  Statistics &statistics_;
  const EventTeller &events_;
  std::uint64_t most_failures_;
  std::map<SiteId, std::uint64_t> failures_ OSR_GUARDED_BY(engine_lock);
};

/// Versions in use that leave at this guard.
std::vector<const Version *> versions_with_exit(const VersionStore &versions, SiteId guard) OSR_REQUIRES(engine_lock);

} // namespace osr
