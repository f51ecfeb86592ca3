// Activations as redefining sees them: of which bodies they are, and where they would go on.
#pragma once

#include "compiler/base/site.h"
#include "runtime/engine/engine.h"

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/Support/Error.h>

#include <optional>
#include <vector>

namespace osr {

struct StandingActivation {
  pid_t thread = 0;
  FunctionId body = 0;
  /// It is in that call. Nothing: it executes, or is in a call that is no site.
  std::optional<std::uint32_t> site;
  bool waits = false; ///< control returns into other code
  std::optional<FunctionId>
      goes_on_in; ///< body of the same function in that code; nothing: not known, or it does not wait
};

struct StandingThread {
  pid_t tid = 0;
  ThreadRole role = ThreadRole::Host;
};

struct StandingActivations {
  std::vector<StandingThread> threads;
  std::vector<StandingActivation> activations; ///< thread by thread, newest first, inlined ones too
};

/// All activations of bodies for which `is_wanted` is true, at one moment. The error says why threads could not be stopped, or whose
/// stack cannot be walked.
llvm::Expected<StandingActivations> find_standing(Engine &engine, llvm::function_ref<bool(FunctionId body)> is_wanted)
    OSR_REQUIRES(engine_lock);

} // namespace osr
