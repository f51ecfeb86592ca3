#include "compiler/sites/body_entries.h"

#include "compiler/sites/describe_points.h"
#include "compiler/sites/number_sites.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/ValueHandle.h>

#include <set>

using namespace llvm;

namespace osr {
namespace {

/// What an entry needs is in terms of the variables that are seen there.
class Entries {
public:
  Entries(const Gates &gates, SourceTypes &types) : gates_(gates), types_(types) {}

  SiteEntry describe(const MarkedSite &marked, ArrayRef<Value *> state, const DataLayout &layout) {
    const Gates::Point &point = gates_.points[marked.point];
    SiteEntry entry;
    entry.problem = point.problem;
    if (!point.at || point.at->getInlinedAt())
      entry.problem = "it is in code that has become a part of the function";
    for (const MarkedSite::Value &value : marked.values) {
      if (!entry.problem.empty())
        break;
      const auto copied = point.copies.find(value.variable);
      const Gates::Variable &variable =
          gates_.variables[copied == point.copies.end() ? value.variable : copied->second];
      entry.problem = problem_of(variable, *point.at);
      if (entry.problem.empty())
        add(variable, *value.value, state, layout, entry);
    }
    return entry;
  }

private:
  std::string problem_of(const Gates::Variable &variable, const DILocation &at) const {
    const DILocalVariable *wanted = variable.variable;
    if (!wanted)
      return "a value that is in no variable is needed behind it";
    const std::string name = wanted->getName().str();
    if (name.empty())
      return "a variable without a name is needed behind it";
    if (!encloses(wanted->getScope(), at.getScope()))
      return fmt::format("'{}' is needed behind it, and not in scope there", name);
    std::set<const DILocalVariable *> same;
    for (const Gates::Variable &other : gates_.variables)
      if (other.variable && other.variable->getName() == name && encloses(other.variable->getScope(), at.getScope()))
        same.insert(other.variable);
    return same.size() > 1 ? fmt::format("the new version has several variables '{}' there", name) : "";
  }

  void add(const Gates::Variable &variable, Value &value, ArrayRef<Value *> state, const DataLayout &layout,
           SiteEntry &entry) {
    const std::string name = variable.variable->getName().str();
    if (isa<UndefValue>(value)) {
      entry.problem = fmt::format("'{}' has no value there in the new version", name);
      return;
    }
    entry.values.push_back({name, types_.add(variable.variable->getType()), variable.bit_offset, variable.bits,
                            variable.is_object, describe_value(value, state, layout)});
  }

  const Gates &gates_;
  SourceTypes &types_;
};

} // namespace

std::vector<SiteEntry> describe_entries(Function &function, const Gates &gates, SourceTypes &types,
                                        function_ref<void()> number) {
  struct Kept {
    unsigned point;
    std::vector<std::pair<unsigned, TrackingVH<Value>>> values; // calls are made anew when they get their numbers
  };
  std::vector<std::optional<Kept>> kept;
  for (const std::optional<MarkedSite> &marked : read_marks(function)) {
    auto &site = kept.emplace_back();
    if (!marked)
      continue;
    site.emplace().point = marked->point;
    for (const MarkedSite::Value &value : marked->values)
      site->values.push_back({value.variable, TrackingVH<Value>(value.value)});
  }
  drop_marks(function);
  number();
  Entries entries(gates, types);
  std::vector<SiteEntry> described;
  const std::vector<const CallBase *> sites = sites_of(function);
  for (std::size_t i = 0; i != sites.size() && i != kept.size(); ++i) {
    SiteEntry &entry = described.emplace_back();
    if (!kept[i]) {
      entry.problem = "what is needed behind it is not known";
      continue;
    }
    MarkedSite marked{kept[i]->point, {}};
    for (const auto &[variable, value] : kept[i]->values)
      marked.values.push_back({variable, value});
    entry = entries.describe(marked, frame_state_of(*sites[i]), function.getDataLayout());
    if (gates.partly_gone.contains(called_name(*sites[i])))
      entry.problem = "the new version has another such call, which is never made";
  }
  return described;
}

} // namespace osr
