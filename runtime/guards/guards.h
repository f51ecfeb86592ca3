// Failed guards: the activation leaves, and what fails too often is assumed no more.
#pragma once

#include "runtime/engine/dead_end.h"
#include "runtime/guards/guard_exits.h"
#include "runtime/requests/replacer.h"
#include "runtime/tiering/tiering.h"

namespace osr {

/// To be made before anything is compiled: from then on no version is used from whose guards activations could not leave.
class Guards {
public:
  /// `tiering` may be null. An assumption is dropped when it has failed `most_failures` times.
  Guards(Engine &engine, Replacer &replacer, Tiering *tiering, std::uint64_t most_failures, CannotGoOn cannot_go_on);

  /// In a thread of the program whose guard has failed; the slot holds the return PC into its frame. Thread-safe.
  void on_failure(std::uint64_t return_pc_slot, std::uint32_t reason);

private:
  llvm::Error leave(std::uint64_t return_pc_slot, std::uint32_t reason);
  bool drop_assumption(SiteId guard) OSR_REQUIRES(engine_lock);

  Engine &engine_;
  Replacer &replacer_;
  Tiering *tiering_;
  GuardExits exits_;
  CannotGoOn cannot_go_on_;
};

} // namespace osr
