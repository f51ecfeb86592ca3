// Types of the source as entries of a DWARF unit: those that its variables have, and what these point to.
#pragma once

#include "compiler/sites/source_types.h"
#include "runtime/code/debug_entries.h"

#include <llvm/ADT/DenseMap.h>

#include <cstdint>
#include <deque>
#include <utility>

namespace osr {

class DebugTypes {
public:
  DebugTypes(DebugEntries &entries, llvm::ArrayRef<llvm::ArrayRef<SourceType>> tables)
      : entries_(entries), tables_(tables) {}

  /// A table, and a type in it.
  using Type = std::pair<std::uint32_t, SourceTypeId>;

  /// Gives an entry its type.
  void set_type(llvm::DIE &entry, Type type);
  /// Call once, when all have theirs. What is reached through pointers is told as long as the unit does not get too large; then
  /// structures have names only.
  void finish();

  /// A variable of that type has bytes that can be shown.
  static bool has_values(const SourceType &type);

private:
  const SourceType &at(Type type) const { return tables_[type.first][type.second]; }
  llvm::DIE &entry_of(Type type);
  void describe(Type type, llvm::DIE &entry);
  void describe_members(Type type, llvm::DIE &entry);
  void describe_array(Type type, llvm::DIE &entry);
  void describe_function(Type type, llvm::DIE &entry);
  /// It need not be known how large it is.
  void set_target(llvm::DIE &entry, Type type);

  static constexpr std::size_t most_types = 2000; ///< in one unit

  DebugEntries &entries_;
  llvm::ArrayRef<llvm::ArrayRef<SourceType>> tables_;
  llvm::DenseMap<Type, llvm::DIE *> known_;
  std::deque<std::pair<Type, llvm::DIE *>> later_;
};

} // namespace osr
