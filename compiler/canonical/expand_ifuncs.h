// Functions whose body is chosen when the program starts.
//
//     @f = ifunc i32 (i32), ptr @pick        @f.chosen = internal global ptr null
//                                            define i32 @f(i32 %x) { musttail call i32 (load @f.chosen)(%x) }
//                                            define internal void @f.choose() { store call @pick(), @f.chosen }
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

/// Makes a function of each ifunc (what target_clones make, too), which goes on to the chosen one, and versions have
/// something to replace: that is what code calls, as natively it calls by a linkage table. Variables hold the address of
/// the chosen function itself, as a loader writes it. Choosing comes before all that the program runs.
void expand_ifuncs(llvm::Module &module);

} // namespace osr
