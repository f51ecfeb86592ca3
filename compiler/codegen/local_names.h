// The names that local functions and variables of added modules have in the program, where each name is one thing's.
//
// Names stay where they were told: in tables of symbols, with debuggers, in what dladdr gave away. So they are given again: to what has
// the same name in a module to come, when nothing of the one before is left.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ADT/StringMap.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/IR/GlobalObject.h>

#include <cstdint>
#include <string>
#include <vector>

namespace osr {

/// Not thread-safe.
class LocalNames {
public:
  /// A name for a local function or variable of a module that is to be added, which is not `is_taken`; numbers from `next_number` on may be free.
  std::string take(const llvm::GlobalObject &object, std::uint64_t &next_number,
                   llvm::function_ref<bool(llvm::StringRef)> is_taken);

  /// Nothing of the function is left. True: its name, with its entry, may be another one's. False: it has no such name, or somebody may
  /// still know its address, which has to stay what it is.
  bool give_back_function(llvm::StringRef name);
  /// Nothing of the variable is left. Without effect if its name is none of these.
  void give_back_variable(llvm::StringRef name);

private:
  using Free = llvm::StringMap<std::vector<std::string>>; ///< by the name in the module
  Free functions_, variables_;
  llvm::StringSet<> of_variables_;
  llvm::StringSet<> only_called_; ///< functions that have names of these, and whose addresses nobody takes
};

} // namespace osr
