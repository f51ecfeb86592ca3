// The promises of canonical IR, checked.
#pragma once

#include "compiler/canonical/canonical_program.h"

namespace osr {

/// Stops the process when the module is invalid or breaks a promise that later steps rely on: symbols are external and
/// named; replaceable functions have no alloca, struct return, computed goto or label address; object addresses
/// directly follow their push.
void check_canonical(const CanonicalProgram &program);

} // namespace osr
