// What a host has added to a program that grows.
#pragma once

#include "osr/runtime.h"
#include "runtime/engine/engine.h"

#include <llvm/ADT/STLExtras.h>

#include <map>
#include <optional>

namespace osr {

/// Not thread-safe: the engine's lock is held.
class AddedModules {
public:
  ModuleId add(Engine::Added module) {
    modules_.emplace(next_, std::move(module));
    return next_++;
  }

  /// Nothing: there is none, or it was taken already.
  std::optional<Engine::Added> take(ModuleId module) {
    auto found = modules_.extract(module);
    return found ? std::optional(std::move(found.mapped())) : std::nullopt;
  }

  /// Of all modules whose constructors have not run, in the order of adding.
  std::vector<StaticAction> take_constructors() {
    std::vector<StaticAction> constructors;
    for (auto &[id, module] : modules_)
      llvm::append_range(constructors, std::exchange(module.constructors, {}));
    return constructors;
  }

private:
  std::map<ModuleId, Engine::Added> modules_;
  ModuleId next_ = 1;
};

} // namespace osr
