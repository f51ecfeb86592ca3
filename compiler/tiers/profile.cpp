#include "compiler/tiers/profile.h"

#include "compiler/sites/number_sites.h"

#include <algorithm>
#include <atomic>

using namespace llvm;

namespace osr {
namespace {

/// A test in front of a call pays if it often comes out true: these are the limits of LLVM's own promotion of calls.
constexpr std::uint64_t least_percent = 5, least_percent_of_rest = 30;

template <typename Number> Number load(const Number &count) {
  return std::atomic_ref(const_cast<Number &>(count)).load(std::memory_order_relaxed);
}

} // namespace

std::uint64_t Profile::points_of(const FunctionInfo &function) {
  auto [found, inserted] = points_.try_emplace(function.id);
  if (inserted)
    found->second.resize(function.profile_points);
  return reinterpret_cast<std::uint64_t>(found->second.data());
}

void Profile::restart(FunctionId function) {
  auto found = points_.find(function);
  if (found == points_.end())
    return;
  for (ProfilePoint &point : found->second) {
    for (unsigned i = 0; i < ProfilePoint::most_targets; ++i) {
      std::atomic_ref(point.targets[i]).store(0, std::memory_order_relaxed);
      std::atomic_ref(point.counts[i]).store(0, std::memory_order_relaxed);
    }
    std::atomic_ref(point.total).store(0, std::memory_order_relaxed);
  }
}

const ProfilePoint *Profile::find(const CallInst &point) const {
  auto found = points_.find(function_id(*point.getFunction()));
  return found == points_.end() ? nullptr : &found->second.at(profile_point(point));
}

std::optional<bool> Profile::only_condition(const CallInst &point) const {
  const ProfilePoint *counted = find(point);
  if (!counted)
    return std::nullopt;
  const std::uint64_t no = load(counted->counts[0]), yes = load(counted->counts[1]);
  if (no + yes < enough_ || (no && yes))
    return std::nullopt;
  return yes != 0;
}

Profile::Targets Profile::targets(const CallInst &point) const {
  Targets result;
  const ProfilePoint *counted = find(point);
  if (!counted || load(counted->total) < enough_)
    return result;
  std::uint64_t known = 0;
  std::vector<Target> targets;
  for (unsigned i = 0; i < ProfilePoint::most_targets; ++i)
    if (const std::uint64_t address = load(counted->targets[i])) {
      targets.push_back({function_at_(address), load(counted->counts[i])});
      known += targets.back().count;
    }
  result.total = std::uint32_t(std::max<std::uint64_t>(load(counted->total), known)); // an increment may get lost
  std::stable_sort(targets.begin(), targets.end(), [](const Target &a, const Target &b) { return a.count > b.count; });
  std::uint64_t rest = result.total;
  for (const Target &target : targets) {
    if (target.count * 100ull < least_percent_of_rest * rest || target.count * 100ull < least_percent * result.total)
      break;
    rest -= target.count;
    if (target.function)
      result.frequent.push_back(target);
  }
  result.is_single = targets.size() == 1 && result.frequent.size() == 1;
  return result;
}

} // namespace osr
