// Sections that assembly fills, and whose bounds the program asks for.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/Support/Error.h>

namespace osr {

/// A linker gathers what all assembly of a program puts into a section X, and `__start_X` and `__stop_X` are its bounds
/// (tables of places in code whose faults are handled, of trace points). Here functions are compiled when they are called, and
/// more than once. Fails if the program asks for the bounds of a section that assembly fills; the error names both.
llvm::Error check_assembly_sections(const llvm::Module &module);

} // namespace osr
