// Types of the source as entries of a DWARF unit: those that its variables have, and what these point to.
#pragma once

#include "compiler/sites/source_types.h"
#include "runtime/code/debug_entries.h"

#include <llvm/ADT/DenseMap.h>

#include <deque>

namespace osr {

class DebugTypes {
public:
  DebugTypes(DebugEntries &entries, llvm::ArrayRef<SourceType> types) : entries_(entries), types_(types) {}

  /// Gives an entry its type.
  void set_type(llvm::DIE &entry, SourceTypeId type);
  /// Call once, when all have theirs. What is reached through pointers is told as long as the unit does not get too large; then
  /// structures have names only.
  void finish();

  /// A variable of that type has bytes that can be shown.
  static bool has_values(const SourceType &type);

private:
  llvm::DIE &entry_of(SourceTypeId type);
  void describe(SourceTypeId type, llvm::DIE &entry);
  void describe_members(const SourceType &type, llvm::DIE &entry);
  void describe_array(const SourceType &type, llvm::DIE &entry);
  void describe_function(const SourceType &type, llvm::DIE &entry);
  /// It need not be known how large it is.
  void set_target(llvm::DIE &entry, SourceTypeId type);

  static constexpr std::size_t most_types = 2000; ///< in one unit

  DebugEntries &entries_;
  llvm::ArrayRef<SourceType> types_;
  llvm::DenseMap<SourceTypeId, llvm::DIE *> known_;
  std::deque<std::pair<SourceTypeId, llvm::DIE *>> later_;
};

} // namespace osr
