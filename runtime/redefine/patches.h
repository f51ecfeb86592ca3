// Patches: what they are asked for, what became of them, and how far the program is.
#pragma once

#include "compiler/base/site.h"
#include "osr/redefine.h"
#include "runtime/threads/program_thread.h"

#include <llvm/Support/Error.h>
#include <llvm/Support/MemoryBuffer.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// The body that a patch gives a function.
struct PatchedBody {
  std::string function;
  std::unique_ptr<llvm::MemoryBuffer> ir; ///< as for Redefiner::redefine
};

struct PatchOptions {
  Tier to = Tier::Optimized; ///< of the new bodies, for activations that go on in them
  /// Nothing: activations that cannot go on in new bodies end in their old ones. Else nothing changes before a moment at which there
  /// is no such activation, which is waited for so long; if none comes, nothing has changed.
  std::optional<std::chrono::nanoseconds> wait = {};
  /// Of a way back: this function goes back to the body before, whatever it has its own by. Empty: the newest patch does.
  std::string alone = {};
  const std::atomic<bool> *is_cancelled = nullptr; ///< asked while bodies are checked, and while it waits
  /// Called now and then with what it does at present; takes no lock of the engine, which may be held.
  std::function<void(const std::string &)> progress = {};
  /// Called once, without a lock of the engine's, when all has been checked and before anything changes; while activations are waited for,
  /// only once there is none. Its error refuses the patch.
  std::function<llvm::Error()> before = {};
};

struct PatchOutcome {
  unsigned number = 0; ///< of the patch
  RedefineOutcome all; ///< of all functions together
  std::vector<std::string> functions, same_shape;
};

/// A patch that can be taken back, or waits.
struct PatchState {
  unsigned number = 0;
  std::vector<std::string> functions;
  bool waits = false; ///< nothing has changed yet
  bool goes_back = false; ///< what waits is that it is taken back
};

/// An activation of a body that is not its function's any more, or will not be.
struct OldActivation {
  SiteId site; ///< the body, and in which call it is if that is known
  bool is_in_call = false;
  bool goes_on = false; ///< in the new body, as soon as control returns to it
  std::vector<unsigned> lacks; ///< numbers of patches that are newer than the body
  std::string reason; ///< why it does not go on, where a site map says so
};

struct ThreadPatchState {
  pid_t thread = 0;
  ThreadRole role = ThreadRole::Host;
  std::vector<OldActivation> old; ///< newest first
};

struct PatchReport {
  std::vector<PatchState> patches; ///< the newest first
  std::vector<ThreadPatchState> threads;
};

} // namespace osr
