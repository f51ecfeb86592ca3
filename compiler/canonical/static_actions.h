// Takes the lists of static constructors and destructors out of the module.
#pragma once

#include "compiler/canonical/canonical_program.h"

namespace osr {

/// Empties `preinit_list`, llvm.global_ctors and llvm.global_dtors into lists in the order in which the functions have to
/// run: constructors by rising priority, destructors the other way round. Fails on an entry that is not a function.
llvm::Error take_static_actions(llvm::Module &module, std::vector<StaticAction> &constructors,
                                std::vector<StaticAction> &destructors);

} // namespace osr
