// Symbols that natively the linker defines: where sections begin and end.
#pragma once

#include <llvm/IR/Module.h>

namespace osr {

/// Defines those that the program declares: `__start_X` and `__stop_X` of a section X (linker sets), and the edges of
/// variables (`end`, `edata`, `__bss_start`, `__data_start` and their other names). Each is a variable without bytes, in
/// front of or behind all others of its section. `globals` holds all of the program's variables and no code: code must
/// not see that these variables have no size. What `program` defines, functions too, is its own.
void define_linker_symbols(llvm::Module &globals, const llvm::Module &program);

/// The same for code, whose edges are those of the memory for code.
inline constexpr const char *code_begin_symbols[] = {"__executable_start"};
inline constexpr const char *code_end_symbols[] = {"etext", "_etext", "__etext"};

} // namespace osr
