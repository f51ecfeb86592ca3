// What a function's attributes promise to its callers, and what becomes of that when it gets another body.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/Support/Error.h>

namespace osr {

/// Fails when `body` does not keep what `promised`, the attributes of the program's declaration, say about `old`; it may
/// keep it by its own declaration, `declared`: canonical form has no structure results, for one.
/// Callers may have been written, and were made canonical, with what the declaration promises about the result, the
/// arguments and effects. That a function never returns counts also when it only followed from its body: what comes
/// after such a call is no site.
llvm::Error check_promises(llvm::AttributeList promised, const llvm::Function &old, const llvm::Function &body,
                           llvm::AttributeList declared);

/// Takes away the attributes, except those in `declared`, that followed from bodies that are not the right ones any more.
void drop_inferred_attributes(llvm::Function &function, llvm::AttributeList declared);

} // namespace osr
