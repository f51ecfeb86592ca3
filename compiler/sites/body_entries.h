// What a body needs where an activation of another one enters it: in terms of the variables that the source has there.
#pragma once

#include "compiler/sites/source_table.h"
#include "compiler/sites/variable_gates.h"

#include <llvm/ADT/STLFunctionalExtras.h>

#include <string>
#include <vector>

namespace osr {

/// What a body needs where it may be entered. Plain data.
struct SiteEntry {
  struct Value {
    std::string name; ///< of the variable
    SourceTypeId type = 0;
    std::uint64_t bit_offset = 0, bits = 0; ///< the part
    bool is_object = false; ///< `value` is its address
    PointValue value; ///< what stands for it there
  };
  std::string problem; ///< if there is one, nobody can be let in
  std::vector<Value> values;
};

struct BodyEntries {
  std::string problem; ///< of all sites
  std::vector<SiteEntry> sites; ///< by number
  std::vector<SourceType> types;
};

/// Reads the marks of a function, removes them and calls `number` to number its sites.
std::vector<SiteEntry> describe_entries(llvm::Function &function, const Gates &gates, SourceTypes &types,
                                        llvm::function_ref<void()> number);

} // namespace osr
