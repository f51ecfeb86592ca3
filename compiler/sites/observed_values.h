// Where the variables of a function surely are, at each of its sites.
//
// The function is made twice, as it runs and with calls that take its variables (compiler/canonical/observe_variables.h). These see what
// each variable is. The two are compared: if they have the same blocks and go the same ways, a value of the one that is computed in the
// same way as one of the other from the same beginnings is the same value. So a variable is where a value of the running function's frame
// state is the one that was seen, or that and a constant; or it is a constant.
#pragma once

#include "compiler/canonical/observe_variables.h"
#include "compiler/sites/source_table.h"

namespace osr {

/// Fills SourceSite::observed of `source`, which is of `function`. Both are canonical and numbered, in any contexts; `seeing` is the one
/// with the calls, and `parts` is what observe_variables() returned.
void add_observed(const llvm::Function &function, const llvm::Function &seeing,
                  llvm::ArrayRef<std::vector<ObservedPart>> parts, FunctionSource &source);

} // namespace osr
