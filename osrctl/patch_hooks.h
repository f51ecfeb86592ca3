// Functions that are called before and after a patch, and come with it.
#pragma once

#include "osrctl/control_connection.h"

#include <llvm/IR/Module.h>

#include <memory>

namespace osr {

/// Those that `before` and `after` name in the request, and that the new version defines and the program does not have, with what only they need.
/// Names that are static in the version become those that the program has for them. Null: there are none.
llvm::Expected<std::unique_ptr<llvm::Module>> hooks_in(const llvm::Module &version, nlohmann::json &parameters,
                                                       const nlohmann::json &symbols);
/// Between a function's new body and hooks that come with it: of a new variable each would have its own.
llvm::Error check_nothing_shared(const llvm::Module &body, const llvm::Module &hooks);

} // namespace osr
