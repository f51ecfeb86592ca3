// What a host has added to a program that grows.
#pragma once

#include "osr/runtime.h"
#include "runtime/engine/engine.h"

#include <llvm/ADT/STLExtras.h>

#include <map>
#include <optional>

namespace osr {

class AddedModules {
public:
  ModuleId add(Engine::Added module) OSR_REQUIRES(engine_lock) {
    modules_.emplace(next_, std::move(module));
    return next_++;
  }

  /// Nothing: there is none, or it was taken already.
  std::optional<Engine::Added> take(ModuleId module) OSR_REQUIRES(engine_lock) {
    auto found = modules_.extract(module);
    return found ? std::optional(std::move(found.mapped())) : std::nullopt;
  }

  /// Of all modules whose constructors have not run, in the order of adding.
  std::vector<StaticAction> take_constructors() OSR_REQUIRES(engine_lock) {
    std::vector<StaticAction> constructors;
    for (auto &[id, module] : modules_)
      llvm::append_range(constructors, std::exchange(module.constructors, {}));
    return constructors;
  }

private:
  std::map<ModuleId, Engine::Added> modules_ OSR_GUARDED_BY(engine_lock);
  ModuleId next_ OSR_GUARDED_BY(engine_lock) = 1;
};

} // namespace osr
