#include "osr/policy.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace osr {
namespace {

constexpr unsigned most_doublings = 16;
constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();

/// Twice as far away each time.
std::int32_t later(std::int64_t first, Heat heat) {
  return std::int32_t(std::min(std::max<std::int64_t>(first, 1) << std::min(heat.times, most_doublings), most));
}

} // namespace

std::optional<std::int32_t> TierPolicy::first_count(const FunctionSummary &) const { return std::nullopt; }

std::int32_t TierPolicy::next_count(Heat) const { return std::numeric_limits<std::int32_t>::max(); }

bool BudgetPolicy::set_threshold(std::uint32_t threshold) const {
  budget_.store(std::int32_t(std::min<std::int64_t>(threshold, most)), std::memory_order_relaxed);
  return true;
}

bool CountingPolicy::set_threshold(std::uint32_t threshold) const {
  threshold_.store(std::int32_t(std::min<std::int64_t>(threshold, most)), std::memory_order_relaxed);
  return true;
}

bool SamplingPolicy::set_threshold(std::uint32_t threshold) const {
  threshold_.store(threshold, std::memory_order_relaxed);
  return true;
}

std::optional<std::int32_t> CountingPolicy::first_count(const FunctionSummary &) const { return in_use(); }

std::int32_t CountingPolicy::next_count(Heat heat) const { return later(in_use(), heat); }

std::optional<std::int32_t> BudgetPolicy::first_count(const FunctionSummary &function) const {
  return std::int32_t(
      std::min(std::int64_t(in_use()) * std::int64_t(std::min<std::size_t>(function.instructions, most)), most));
}

std::int32_t BudgetPolicy::next_count(Heat heat) const { return later(heat.first_count, heat); }

/// Once, and again at twice as many each time if an activation stays in the old code.
bool SamplingPolicy::wants(Heat heat) const {
  return heat.times >= threshold_.load(std::memory_order_relaxed) && (!heat.is_hot || std::has_single_bit(heat.times));
}

} // namespace osr
