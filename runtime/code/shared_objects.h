// The executable and the shared libraries of this process, with their symbol tables and relocations: what the dynamic
// linker read, read again. Format: System V ABI, chapter 5, and its x86-64 supplement.
#pragma once

#include "runtime/code/free_extents.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>

#include <elf.h>
#include <string>
#include <vector>

namespace osr {

struct SharedObject {
  std::string path; ///< "" for the executable
  std::string name; ///< by which others need it: its soname, or the end of the path
  std::uint64_t base = 0;
  Extent addresses; ///< from its first segment to the end of the last
  std::vector<std::string> needed;
  llvm::ArrayRef<Elf64_Sym> symbols;
  llvm::ArrayRef<Elf64_Half> versions; ///< by symbol; empty: there are none
  const char *strings = nullptr;
  std::vector<llvm::ArrayRef<Elf64_Rela>> relocations;
  bool binds_to_itself = false; ///< linked with -Bsymbolic
  std::vector<Extent> read_only; ///< of its addresses; not executable
  std::vector<Extent> executable;

  bool is_executable_file() const { return path.empty(); }
  llvm::StringRef name_of(const Elf64_Sym &symbol) const { return strings + symbol.st_name; }
  /// Whether others may be bound to the symbol: it is defined, and no older version kept for old programs.
  bool offers(const Elf64_Sym &symbol) const;
};

/// In the order in which symbols are looked up, the executable first. Without what the kernel provides.
std::vector<SharedObject> find_shared_objects();

/// For each object, whether it is one of `roots`, or needed by one that is.
std::vector<bool> find_needed(llvm::ArrayRef<SharedObject> objects, std::vector<bool> roots);

} // namespace osr
