// Global variables of a program as its source names them, for debuggers.
#pragma once

#include "compiler/sites/source_types.h"

#include <llvm/IR/Module.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

struct SourceGlobal {
  std::string symbol; ///< in the program
  std::string name, linkage_name;
  std::vector<std::string> namespaces; ///< around it, the outermost first
  std::string file; ///< with its whole path
  unsigned line = 0;
  SourceTypeId type = 0;
  bool is_local = false; ///< to its file
  std::uint16_t language = 0; ///< DWARF's number
};

/// Those that lie in memory whole, once for all threads, and that are no function's or class's own. A name that several have, each in its
/// file, is left out: debuggers would take any of them.
std::vector<SourceGlobal> describe_globals(llvm::Module &module, SourceTypes &types);

} // namespace osr
