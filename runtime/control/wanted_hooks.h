// What a client wants called before and after a patch.
#pragma once

#include "runtime/control/control.h"

#include <functional>
#include <optional>

namespace osr {

/// For one request, in the worker's thread. Parameters: `before` and `after`, names of functions; `hooks`, IR of those that the program does
/// not have; `hook_timeout`, in seconds.
class WantedHooks {
public:
  WantedHooks(const ControlParts &parts, const Call &call) : parts_(parts), call_(call) {}
  /// What no hook has run of is no part of the program any more.
  ~WantedHooks();
  WantedHooks(const WantedHooks &) = delete;
  WantedHooks &operator=(const WantedHooks &) = delete;

  /// First. The error says what cannot be called.
  llvm::Error find();
  /// PatchOptions::before; null if nobody is to be asked.
  std::function<llvm::Error()> before();
  /// Last: the patch was made, or not. Returns the answer.
  llvm::Expected<nlohmann::json> conclude(llvm::Expected<nlohmann::json> outcome);

private:
  llvm::Expected<std::optional<Hook>> find(const char *parameter);
  llvm::Expected<std::optional<int>> run(const Hook &hook);

  const ControlParts &parts_;
  const Call &call_;
  std::optional<Engine::Added> added_;
  std::optional<Hook> before_, after_;
  bool has_run_ = false; ///< some hook, which may have told its address to the program
  std::optional<int> said_; ///< by the one before
  bool said_yes_ = false;
};

} // namespace osr
