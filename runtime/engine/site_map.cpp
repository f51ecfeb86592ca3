#include "runtime/engine/site_map.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>

#include <set>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint32_t widest_constant = 8; ///< bytes

Expected<const Site *> find_mapped_site(const std::vector<Site> &sites, std::uint32_t index, const char *body) {
  if (index >= sites.size())
    return make_error("site map: the {} body has {} sites, there is no #{}", body, sites.size(), index);
  if (!sites[index].is_replaceable())
    return make_error("site map: #{} of the {} body is never replaced: {}", index, body,
                      to_string(sites[index].refusal));
  return &sites[index];
}

Error check_result(const Site &from, const Site &to) {
  const bool fits = to.result_used ? from.result_type == to.result_type && from.result == to.result
                                   : from.result.stacked_floats ==
                                         to.result.stacked_floats; // what is on that stack has to come off it
  if (fits)
    return Error::success();
  return make_error("site map: #{} returns {}, #{} of the new body wants {}", from.id.index, from.result_type,
                    to.id.index, to.result_type);
}

Error check_value(const ValueMapping &value, std::size_t index, const Site &from, const Site &to) {
  const std::uint32_t wanted = to.state[index].size;
  if (!value.from) {
    if (wanted <= widest_constant)
      return Error::success();
    return make_error("site map: value {} of #{} has {} bytes, a constant at most {}", index, to.id.index, wanted,
                      widest_constant);
  }
  if (*value.from >= from.state.size())
    return make_error("site map: #{} has {} values, there is no value {}", from.id.index, from.state.size(),
                      *value.from);
  if (from.state[*value.from].type == to.state[index].type) {
    if (value.addend == 0 || wanted <= widest_constant)
      return Error::success();
    return make_error("site map: something is added to value {} of #{}, which has {} bytes", index, to.id.index,
                      wanted);
  }
  return make_error("site map: value {} of #{} is {}, value {} of #{} of the new body {}", *value.from, from.id.index,
                    from.state[*value.from].type, index, to.id.index, to.state[index].type);
}

Error check_mapping(const SiteMapping &mapping, const std::vector<Site> &from_sites,
                    const std::vector<Site> &to_sites) {
  auto from = find_mapped_site(from_sites, mapping.from_site, "old");
  if (!from)
    return from.takeError();
  auto to = find_mapped_site(to_sites, mapping.to_site, "new");
  if (!to)
    return to.takeError();
  if (mapping.values.size() != (*to)->state.size())
    return make_error("site map: #{} of the new body has {} values, {} are given", mapping.to_site, (*to)->state.size(),
                      mapping.values.size());
  for (std::size_t i = 0; i < mapping.values.size(); ++i)
    if (Error error = check_value(mapping.values[i], i, **from, **to))
      return error;
  return check_result(**from, **to);
}

} // namespace

SiteMap identity_map(const std::vector<Site> &sites) {
  SiteMap map;
  for (const Site &site : sites) {
    if (!site.is_replaceable())
      continue;
    SiteMapping &mapping = map.emplace_back(SiteMapping{site.id.index, site.id.index, {}});
    for (std::uint32_t value = 0; value < site.state.size(); ++value)
      mapping.values.push_back({value});
  }
  return map;
}

Error check_site_map(const SiteMap &map, const std::vector<Site> &from, const std::vector<Site> &to) {
  std::set<std::uint32_t> seen;
  for (const SiteMapping &mapping : map) {
    if (!seen.insert(mapping.from_site).second)
      return make_error("site map: #{} is mapped twice", mapping.from_site);
    if (Error error = check_mapping(mapping, from, to))
      return error;
  }
  return Error::success();
}

void SiteMaps::add(FunctionId from, const std::vector<Site> &to, const SiteMap &map) {
  for (const SiteMapping &mapping : map) {
    const Site &site = to.at(mapping.to_site);
    Target target = target_of(site, mapping.values);
    for (auto &[first, earlier] : targets_)
      if (earlier.site == SiteId{from, mapping.from_site})
        earlier = compose(earlier, target);
    targets_[{from, mapping.from_site}] = std::move(target);
  }
}

SiteMaps::Target SiteMaps::target_of(const Site &site, std::vector<ValueMapping> values) {
  Target target{site.id, std::move(values), {}};
  for (const FrameStateValue &value : site.state)
    target.sizes.push_back(value.size);
  return target;
}

/// `second` speaks of the values of the site that `first` leads to.
SiteMaps::Target SiteMaps::compose(const Target &first, const Target &second) {
  Target both = second;
  for (ValueMapping &value : both.values)
    if (value.from) {
      const std::int64_t addend = value.addend;
      value = first.values.at(*value.from);
      value.addend += addend;
    }
  return both;
}

std::optional<SiteId> SiteMaps::leads_to(SiteId site) const {
  const auto found = targets_.find(site);
  return found == targets_.end() ? std::nullopt : std::optional(found->second.site);
}

bool SiteMaps::lead_to(FunctionId body) const {
  return any_of(targets_,
                [&](const auto &entry) { return entry.first.function != body && entry.second.site.function == body; });
}

void SiteMaps::refuse(FunctionId from, const std::map<std::uint32_t, std::string> &reasons) {
  for (const auto &[site, reason] : reasons)
    refused_[{from, site}] = reason;
}

std::string SiteMaps::why_refused(const SiteRecord &record) const {
  for (const FrameRecord &frame : record.frames)
    if (auto found = refused_.find(frame.site); found != refused_.end())
      return found->second;
  return {};
}

void SiteMaps::remove(FunctionId from) {
  refused_.erase(refused_.lower_bound({from, 0}), refused_.lower_bound({from + 1, 0}));
  targets_.erase(targets_.lower_bound({from, 0}), targets_.lower_bound({from + 1, 0}));
}

bool SiteMaps::keep_in(FunctionId body, const std::vector<Site> &sites) {
  refused_.erase(refused_.lower_bound({body, 0}), refused_.lower_bound({body + 1, 0}));
  bool were_sent = false;
  for (const SiteMapping &itself : identity_map(sites)) {
    const auto found = targets_.find({body, itself.from_site});
    if (found == targets_.end() || found->second.site.function == body)
      continue;
    found->second = target_of(sites[itself.from_site], itself.values);
    were_sent = true;
  }
  return were_sent;
}

bool SiteMaps::covers(const SiteRecord &record) const {
  return any_of(record.frames, [this](const FrameRecord &frame) { return targets_.contains(frame.site); });
}

SiteRecord SiteMaps::apply(SiteRecord record) const {
  for (FrameRecord &frame : record.frames)
    if (auto found = targets_.find(frame.site); found != targets_.end())
      frame = map_frame(frame, found->second);
  return record;
}

FrameRecord SiteMaps::map_frame(const FrameRecord &frame, const Target &target) {
  FrameRecord mapped{target.site, {}};
  for (std::size_t i = 0; i < target.values.size(); ++i) {
    const ValueMapping &value = target.values[i];
    RecordedValue recorded;
    recorded.source.constant = value.constant;
    recorded.size = target.sizes[i];
    if (value.from)
      recorded = frame.values.at(*value.from);
    if (value.addend != 0)
      recorded.source.recipe.push_back({RecipeStep::Kind::Add, value.addend});
    OSR_CHECK(recorded.size == target.sizes[i], "value {} of site {}.{}: {} bytes, {} wanted", i, target.site.function,
              target.site.index, recorded.size, target.sizes[i]);
    mapped.values.push_back(std::move(recorded));
  }
  return mapped;
}

} // namespace osr
