// The promises of canonical IR, checked.
#pragma once

#include "compiler/canonical/canonical_program.h"

namespace osr {

/// Stops the process when the module is invalid or breaks a promise that later steps rely on: symbols are external and
/// named; replaceable functions have no alloca, struct return, computed goto, label address or large value that no
/// frame state can describe; each has its push and its addresses in one place.
void check_canonical(const CanonicalProgram &program);

} // namespace osr
