// The automatic site map: how activations of one body of a function go on in another.
//
// What it means is said in terms of the source. An activation that is in a call of the old body goes on behind the same call of
// the new body (match_sites.h), as if it had been written so from the start but for what came before: what the new version does
// before the call is not done, what the old one did is not undone, and each variable has the value that the old version gave it.
//
// A variable is the same in both if name and type are, and if both see it at the call. All that the new version needs behind the call
// (body_entries.h knows it) has to be such a variable, with a value that the old version still has there (source_table.h),
// and in memory in both or in neither. Else nobody goes on from that site, and the reason says which variable it is.
#pragma once

#include "compiler/sites/body_entries.h"
#include "compiler/sites/source_table.h"
#include "osr/redefine.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/STLFunctionalExtras.h>

#include <map>
#include <string>
#include <vector>

namespace osr {

/// Two bodies, and what is known of each.
struct MappedBodies {
  const llvm::Function &old_code, &new_code; ///< canonical and numbered
  const std::vector<Site> &old_sites, &new_sites;
  const FunctionSource &source; ///< of the old one
  llvm::function_ref<const SourceType &(SourceTypeId)> type_of; ///< of its types
  const BodyEntries &entries; ///< of the new one
  llvm::function_ref<std::optional<std::uint64_t>(const std::string &symbol)> address_of;
};

struct AutomaticMap {
  SiteMap map;
  std::map<std::uint32_t, std::string> refused; ///< by site of the old body: why nobody goes on from there
};

AutomaticMap map_sites(const MappedBodies &bodies);

/// Objects of a body that lie in memory, by name; each is the only variable of its name.
std::map<std::string, PlacedObject> placed_objects(const FunctionSource &source,
                                                   llvm::function_ref<const SourceType &(SourceTypeId)> type_of,
                                                   const llvm::Function &code);

} // namespace osr
