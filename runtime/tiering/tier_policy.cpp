#include "osr/policy.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace osr {
namespace {

constexpr unsigned most_doublings = 16;

} // namespace

std::optional<std::int32_t> TierPolicy::first_count(const FunctionSummary &) const { return std::nullopt; }

std::int32_t TierPolicy::next_count(Heat) const { return std::numeric_limits<std::int32_t>::max(); }

std::optional<std::int32_t> CountingPolicy::first_count(const FunctionSummary &) const { return threshold_; }

std::int32_t CountingPolicy::next_count(Heat heat) const {
  const std::int64_t next = std::int64_t(std::max(threshold_, 1)) << std::min(heat.times, most_doublings);
  return std::int32_t(std::min<std::int64_t>(next, std::numeric_limits<std::int32_t>::max()));
}

/// Once, and again at twice as many each time if an activation stays in the old code.
bool SamplingPolicy::wants(Heat heat) const {
  return heat.times >= threshold_ && (!heat.is_hot || std::has_single_bit(heat.times));
}

} // namespace osr
