#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/Function.h>

#include <string>
#include <vector>

namespace osr {

/// By site: where its call is in the source, for people, behind the function's name: ":12, in the call of 'wait'".
std::vector<std::string> site_places(const llvm::Function &code, const CanonicalProgram &program);

} // namespace osr
