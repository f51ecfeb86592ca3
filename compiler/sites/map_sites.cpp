#include "compiler/sites/map_sites.h"

#include "compiler/base/print.h"
#include "compiler/canonical/objects.h"
#include "compiler/sites/describe_points.h"
#include "compiler/sites/loop_polls.h"
#include "compiler/sites/match_sites.h"
#include "compiler/sites/number_sites.h"

#include <fmt/format.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Instructions.h>

#include <set>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *no_such_call = "the new version has no call that is surely the same";

std::optional<std::uint32_t> object_frame_in(ArrayRef<Value *> state) {
  for (const auto &[index, value] : enumerate(state))
    if (is_object_frame(value))
      return std::uint32_t(index);
  return std::nullopt;
}

/// One site of each.
class Pairing {
public:
  Pairing(const MappedBodies &bodies, const CallBase &from, const CallBase &to, std::uint32_t from_site,
          std::uint32_t to_site)
      : bodies_(bodies), reads_memory_(reads_memory(from)), source_(bodies.source.sites[from_site]),
        entry_(bodies.entries.sites[to_site]), old_site_(bodies.old_sites[from_site]),
        new_site_(bodies.new_sites[to_site]), old_state_(frame_state_of(from)), new_state_(frame_state_of(to)),
        values_(new_state_.size()) {}

  /// "" if there is no problem.
  std::string find() {
    if (!old_site_.is_replaceable() || !new_site_.is_replaceable())
      return to_string(old_site_.is_replaceable() ? new_site_.refusal : old_site_.refusal);
    if (!entry_.problem.empty())
      return entry_.problem;
    for (const SiteEntry::Value &value : entry_.values)
      if (std::string problem = take(value); !problem.empty())
        return problem;
    return take_rest();
  }

  SiteMapping mapping() const {
    SiteMapping mapping{old_site_.id.index, new_site_.id.index, {}};
    for (const auto &value : values_)
      mapping.values.push_back(*value);
    return mapping;
  }

private:
  /// A variable that the old version sees under that name, and only under that.
  const VariableAtSite *find_old(const SiteEntry::Value &wanted, std::string &problem) const {
    const VariableAtSite *part = nullptr;
    std::set<std::uint32_t> variables;
    for (const VariableAtSite &known : source_.variables) {
      const SourceVariable &variable = bodies_.source.variables[known.variable];
      if (known.line + 1 != source_.lines.size() || variable.name != wanted.name)
        continue;
      variables.insert(known.variable);
    }
    for (const VariableAtSite &known : source_.observed)
      if (variables.contains(known.variable) && is_same_part(known, wanted))
        part = &known;
    if (variables.empty()) {
      problem = fmt::format("'{}' is new, and needed behind it", wanted.name);
      return nullptr;
    }
    if (variables.size() > 1) {
      problem = fmt::format("the old version has several variables '{}' there", wanted.name);
      return nullptr;
    }
    const auto type_of = [this](SourceTypeId id) -> const SourceType & { return bodies_.entries.types[id]; };
    const std::string old_type = type_key(bodies_.source.variables[*variables.begin()].type, bodies_.type_of),
                      new_type = type_key(wanted.type, type_of);
    if (old_type != new_type) {
      problem = fmt::format("'{}' has another type", wanted.name);
      return nullptr;
    }
    if (!part)
      problem = fmt::format("the old version does not keep '{}' there: it needs it no more", wanted.name);
    return part;
  }

  static bool is_same_part(const VariableAtSite &known, const SiteEntry::Value &wanted) {
    switch (known.place) {
    case VariableAtSite::Place::Nowhere: return false;
    case VariableAtSite::Place::Memory: return true; // which is not what is wanted, or all of it
    case VariableAtSite::Place::Value: break;
    }
    return wanted.is_object || (known.bit_offset == wanted.bit_offset && known.bits == wanted.bits);
  }

  std::string take(const SiteEntry::Value &wanted) {
    std::string problem;
    const VariableAtSite *old = find_old(wanted, problem);
    if (!old)
      return problem;
    if ((old->place == VariableAtSite::Place::Memory) != wanted.is_object)
      return fmt::format("'{}' lies in memory in the {} version only", wanted.name, wanted.is_object ? "new" : "old");
    const PointValue &from = old->value, &to = wanted.value;
    if (wanted.is_object && !reads_memory_)
      return fmt::format("what '{}' holds may not be in memory yet: the call reads none", wanted.name);
    if (wanted.is_object)
      return is_same_place(from, to) ? "" : fmt::format("'{}' lies elsewhere in the new version", wanted.name);
    switch (to.kind) {
    case PointValue::Kind::State: return take_value(wanted, from);
    case PointValue::Kind::Constant:
    case PointValue::Kind::Symbol:
      if (from.kind == to.kind && from.constant == to.constant && from.symbol == to.symbol && from.addend == to.addend)
        return "";
      return fmt::format(
          "the new version takes for granted what '{}' is there, and the old one sets it to something else",
          wanted.name);
    case PointValue::Kind::Unknown: break;
    }
    return fmt::format("what '{}' is in the new version cannot be told", wanted.name);
  }

  /// In the objects of the function: they stay where they are.
  bool is_same_place(const PointValue &from, const PointValue &to) const {
    return from.kind == PointValue::Kind::State && to.kind == PointValue::Kind::State &&
           is_object_frame(old_state_[from.index]) && is_object_frame(new_state_[to.index]) && from.addend == to.addend;
  }

  std::string take_value(const SiteEntry::Value &wanted, const PointValue &from) {
    const std::uint32_t index = wanted.value.index;
    if (is_object_frame(new_state_[index])) // a pointer to an object of the function
      return is_same_place(from, wanted.value) ? ""
                                               : fmt::format("'{}' points elsewhere in the new version", wanted.name);
    const FrameStateValue &to = new_site_.state[index];
    ValueMapping mapping;
    if (from.kind == PointValue::Kind::State) {
      const std::string &type = old_site_.state[from.index].type;
      if (type != to.type)
        return fmt::format("'{}' is kept as '{}' by the old version, and as '{}' by the new one", wanted.name, type,
                           to.type);
      mapping.from = from.index;
      mapping.addend = from.addend;
    } else if (from.kind == PointValue::Kind::Constant && to.size <= sizeof(mapping.constant)) {
      mapping.constant = from.constant;
    } else if (const auto address = bodies_.address_of(from.symbol); address && from.kind == PointValue::Kind::Symbol) {
      mapping.constant = *address + std::uint64_t(from.addend);
    }
    const bool adds_up = mapping.addend == 0 || is_added_to(*new_state_[index]->getType());
    if (wanted.value.addend != 0 || !adds_up ||
        (!mapping.from && from.kind == PointValue::Kind::Symbol && !mapping.constant))
      return fmt::format("'{}' is no plain value in the old version", wanted.name);
    return put(index, mapping, wanted.name);
  }

  static bool is_added_to(const Type &type) {
    return type.isPointerTy() ||
           (type.isIntegerTy() && type.getIntegerBitWidth() <= 64 && type.getIntegerBitWidth() % 8 == 0);
  }

  std::string put(std::uint32_t index, const ValueMapping &mapping, const std::string &name) {
    auto &place = values_[index];
    if (place &&
        (place->from != mapping.from || place->constant != mapping.constant || place->addend != mapping.addend))
      return fmt::format("'{}' and '{}' are one value in the new version", names_[index], name);
    place = mapping;
    names_[index] = name;
    return "";
  }

  /// What is no variable: the frame of objects, and arguments by whose address something is passed or returned.
  std::string take_rest() {
    for (const auto &[index, value] : enumerate(new_state_)) {
      if (values_[index])
        continue;
      std::optional<std::uint32_t> from;
      if (is_object_frame(value)) {
        from = object_frame_in(old_state_);
        if (!from)
          return "the old version has nothing in memory, the new one has";
      } else if (const auto *argument = dyn_cast<Argument>(value)) {
        for (const auto &[place, old] : enumerate(old_state_))
          if (const auto *same = dyn_cast<Argument>(old); same && same->getArgNo() == argument->getArgNo())
            from = std::uint32_t(place);
      }
      if (!from || old_site_.state[*from].type != new_site_.state[index].type)
        return fmt::format("a value of type '{}' that is in no variable is needed behind it",
                           new_site_.state[index].type);
      values_[index].emplace().from = from;
    }
    return "";
  }

  /// Else LLVM may have left out a store before it that another one follows.
  static bool reads_memory(const CallBase &call) {
    const Function *callee = call.getCalledFunction();
    return !callee || is_loop_poll(call) || isRefSet(callee->getMemoryEffects().getModRef(IRMemLocation::Other));
  }

  const MappedBodies &bodies_;
  const bool reads_memory_;
  const SourceSite &source_;
  const SiteEntry &entry_;
  const Site &old_site_, &new_site_;
  const SmallVector<Value *, 16> old_state_, new_state_;
  std::vector<std::optional<ValueMapping>> values_;
  std::map<std::uint32_t, std::string> names_;
};

} // namespace

AutomaticMap map_sites(const MappedBodies &bodies) {
  AutomaticMap result;
  const std::vector<const CallBase *> from = sites_of(bodies.old_code), to = sites_of(bodies.new_code);
  const auto matched = match_sites(bodies.old_code, bodies.new_code);
  for (std::uint32_t site = 0; site != from.size(); ++site) {
    std::string &problem = result.refused[site];
    if (!bodies.entries.problem.empty())
      problem = bodies.entries.problem;
    else if (!bodies.source.is_observed || site >= bodies.source.sites.size())
      problem = "nothing is known of the old version's variables there";
    else if (!matched[site] || *matched[site] >= bodies.entries.sites.size())
      problem = no_such_call;
    else {
      Pairing pairing(bodies, *from[site], *to[*matched[site]], site, *matched[site]);
      problem = pairing.find();
      if (problem.empty())
        result.map.push_back(pairing.mapping());
    }
    if (problem.empty())
      result.refused.erase(site);
  }
  return result;
}

std::map<std::string, PlacedObject> placed_objects(const FunctionSource &source,
                                                   function_ref<const SourceType &(SourceTypeId)> type_of,
                                                   const Function &code) {
  std::map<std::string, PlacedObject> found;
  std::map<std::string, std::set<std::uint32_t>> variables;
  for (const auto &[number, variable] : enumerate(source.variables))
    variables[variable.name].insert(std::uint32_t(number));
  const std::vector<const CallBase *> sites = sites_of(code);
  for (std::size_t i = 0; i != sites.size() && i != source.sites.size(); ++i) {
    const SmallVector<Value *, 16> state = frame_state_of(*sites[i]);
    for (const VariableAtSite &at : source.sites[i].observed) {
      const SourceVariable &variable = source.variables[at.variable];
      if (at.place == VariableAtSite::Place::Memory && at.value.kind == PointValue::Kind::State &&
          is_object_frame(state[at.value.index]) && at.bit_offset == 0 && variables[variable.name].size() == 1)
        found[variable.name] = {type_key(variable.type, type_of), std::uint64_t(at.value.addend)};
    }
  }
  return found;
}

} // namespace osr
