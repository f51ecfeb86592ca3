// What debuggers are told of the sites of a piece of code: whose frames are there, and where each variable is; or of a file's global
// variables. Plain data.
#pragma once

#include "compiler/sites/source_types.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

struct DebugVariable {
  std::string name;
  SourceTypeId type = 0;
  std::uint32_t number = 0; ///< equal for the same variable of one function at several sites
  unsigned line = 0; ///< of its declaration
  unsigned depth = 0; ///< as SourceVariable::depth
  bool is_parameter = false;
  std::vector<std::uint8_t>
      place; ///< a location as DWARF describes it, the frame base being the CFA; empty: it is not live
  std::uint32_t table = 0; ///< in which `type` is
};

/// One function of the source.
struct DebugFrame {
  std::string function, linkage_name;
  std::string file; ///< with its whole path; "": not known
  unsigned line = 0;
  std::vector<DebugVariable> variables;
};

/// While the call runs that returns to `return_pc`.
struct DebugSite {
  std::uint64_t return_pc = 0;
  std::vector<DebugFrame> frames; ///< the innermost first, never empty; all but the last are inlined
};

/// A global variable.
struct DebugGlobal {
  std::string name, linkage_name;
  std::vector<std::string> namespaces; ///< around it, the outermost first
  unsigned line = 0;
  SourceTypeId type = 0;
  bool is_local = false; ///< to its file
  std::optional<std::uint64_t> address; ///< nothing: it is there, and where is not known
};

struct DebugSites {
  std::uint16_t language = 0; ///< DWARF's number
  std::vector<DebugSite> sites;
  std::vector<llvm::ArrayRef<SourceType>> types; ///< tables of them: bodies that came later have their own
  std::vector<DebugGlobal> globals; ///< of `file`, in no code; their types are of the first table
  std::string file; ///< with its whole path
};

} // namespace osr
