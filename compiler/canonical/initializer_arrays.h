// Variables that a program puts into .init_array and its kind are lists of functions to a linker, and a loader calls them.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// The list of what runs before all other constructors; entries as in llvm.global_ctors.
inline constexpr const char *preinit_list = "osr-preinit-array";

/// Appends functions with one priority to a list of that name, which is made if there is none.
void append_to_list(llvm::Module &module, llvm::StringRef list, std::uint32_t priority,
                    llvm::ArrayRef<llvm::Function *> functions);

/// Appends what variables in .preinit_array, .init_array, .fini_array, .ctors and .dtors (with or without a priority in
/// the section's name) hold to `preinit_list`, llvm.global_ctors and llvm.global_dtors, where the module's order has
/// them. The variables stay, as any others. Has no effect when done again. Fails when a variable holds anything but
/// functions.
llvm::Error list_initializer_arrays(llvm::Module &module);

} // namespace osr
