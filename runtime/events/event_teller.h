// Who hears what a runtime does: the trace of the process, from which the control socket has its events, and the host's listener.
// One place for both: what is told to one is told to the other.
#pragma once

#include "compiler/base/engine_lock.h"
#include "compiler/canonical/canonical_program.h"
#include "osr/listener.h"
#include "runtime/code/code_object.h"
#include "runtime/events/trace.h"

#include <llvm/ADT/StringRef.h>

namespace osr {

/// Of one runtime. Does nothing while nobody listens.
class EventTeller {
public:
  /// `listener` may be null. The program must outlive it.
  EventTeller(const CanonicalProgram &program, Listener listener) : program_(program), listener_(std::move(listener)) {}

  void compiled(Trace::Clock::time_point begun, const CodeObject &object) const OSR_REQUIRES(engine_lock);
  void not_compiled(Trace::Clock::time_point begun, const VersionKey &key, llvm::StringRef reason) const
      OSR_REQUIRES(engine_lock);
  void tier_changed(FunctionId function, Tier tier, std::uint64_t activations) const OSR_REQUIRES(engine_lock);
  void exited(SiteId guard, const char *reason) const OSR_REQUIRES(engine_lock);
  void dropped(SiteId guard) const OSR_REQUIRES(engine_lock);
  void failed_again(FunctionId function, std::uint64_t times) const OSR_REQUIRES(engine_lock);
  void redefined(FunctionId function, std::uint64_t activations) const OSR_REQUIRES(engine_lock);
  void removed(llvm::StringRef function) const OSR_REQUIRES(engine_lock);
  void out_of_use(const CodeObject &object) const OSR_REQUIRES(engine_lock);
  void freed(const CodeObject &object) const OSR_REQUIRES(engine_lock);

private:
  llvm::StringRef name_of(FunctionId function) const { return name_for_people(program_.functions[function].name); }

  const CanonicalProgram &program_;
  Listener listener_;
};

} // namespace osr
