// The program as the dynamic linker sees it: a shared library without code, of which only the symbols exist.
#pragma once

#include "compiler/base/error.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

/// Its soname.
inline constexpr const char *symbol_file_name = "osr-program";

struct ProgramSymbol {
  std::string name;
  std::uint64_t address = 0;
  bool is_function = true;
};

/// An ELF file that defines these symbols at these addresses and holds nothing else.
std::vector<std::uint8_t> build_symbol_file(llvm::ArrayRef<ProgramSymbol> symbols);

/// Loads such a file: libraries that are loaded later find the symbols, and so does dlsym, until the handle is closed. The
/// error names the call that failed.
llvm::Expected<void *> load_symbol_file(llvm::ArrayRef<ProgramSymbol> symbols);

} // namespace osr
