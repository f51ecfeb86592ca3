// Global variables of a program as its source names them, for debuggers.
#pragma once

#include "compiler/sites/source_types.h"

#include <llvm/IR/Module.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace osr {

struct SourceGlobal {
  std::string symbol; ///< in the program; empty: where it lies cannot be said
  std::string name, linkage_name;
  std::vector<std::string> namespaces; ///< around it, the outermost first
  std::string file; ///< with its whole path
  unsigned line = 0;
  SourceTypeId type = 0;
  bool is_local = false; ///< to its file
  std::uint16_t language = 0; ///< DWARF's number
};

/// Those that lie in memory whole, and that are no function's or class's own. Each thread's lie where only the runtime finds them. A name that
/// several have, each in its file, is left out: debuggers would take any of them.
std::vector<SourceGlobal> describe_globals(llvm::Module &module, SourceTypes &types);

/// By the names that functions and variables have in the module: whole paths of the files that define them, also of variables of functions.
std::map<std::string, std::string> files_of_symbols(const llvm::Module &module);

} // namespace osr
