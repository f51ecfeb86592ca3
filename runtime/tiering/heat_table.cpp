#include "runtime/tiering/heat_table.h"

#include <algorithm>
#include <new>

namespace osr {

using State = HeatCounter::State;

namespace {

constexpr unsigned looks_at_counters = 16; ///< after all have been set

FunctionSummary summary_of(const FunctionInfo &body, std::size_t instructions) {
  return {body.id, body.name, body.sites().size(), instructions, body.pinned == PinReason::None};
}

} // namespace

HeatCounter *HeatTable::counter_of(const FunctionInfo &body, std::size_t instructions, bool may_tier_up) {
  if (counters_.size() <= body.id)
    counters_.resize(body.id + 1);
  std::unique_ptr<Counting> &counting = counters_[body.id];
  if (!counting) {
    void *room = allocate_(sizeof(HeatCounter), alignof(HeatCounter));
    if (!room)
      return nullptr;
    counting = std::make_unique<Counting>();
    counting->counter = new (room) HeatCounter();
  }
  HeatCounter &counter = *counting->counter;
  counter.function = body.id;
  const FunctionSummary summary = summary_of(body, instructions);
  counting->name = body.name;
  counting->sites = summary.sites;
  counting->instructions = summary.instructions;
  counting->is_replaceable = summary.is_replaceable;
  const std::optional<std::int32_t> first = may_tier_up ? policy_.first_count(summary) : std::nullopt;
  if (!may_tier_up)
    counter.state = State::Left;
  if (!first)
    return nullptr;
  counter.left = counter.first = *first;
  counter.counts_work = policy_.counted() == Counted::Work;
  return &counter;
}

HeatCounter *HeatTable::find(FunctionId body) {
  return body < counters_.size() && counters_[body] ? counters_[body]->counter : nullptr;
}

Heat HeatTable::heat_of(const HeatCounter &counter) const {
  return {counter.function, counter.times.load(std::memory_order_relaxed),
          counter.state.load(std::memory_order_relaxed) == State::Hot, counter.first};
}

bool HeatTable::restart(HeatCounter &counter) const {
  Heat next = heat_of(counter);
  ++next.times;
  const std::int32_t found = counter.left.exchange(policy_.next_count(next), std::memory_order_relaxed);
  return found < 0;
}

bool HeatTable::notice(HeatCounter &counter) const {
  counter.times.fetch_add(1, std::memory_order_relaxed);
  State state = counter.state.load(std::memory_order_relaxed);
  if (state == State::Queued || state == State::Left || !policy_.wants(heat_of(counter)))
    return false;
  return counter.state.compare_exchange_strong(state, State::Queued, std::memory_order_relaxed);
}

void HeatTable::notice_anew(FunctionId body) {
  HeatCounter *counter = find(body);
  State hot = State::Hot;
  if (!counter || !counter->state.compare_exchange_strong(hot, State::Cold, std::memory_order_relaxed))
    return; // never to be optimised, or about to be
  counter->times.store(0, std::memory_order_relaxed);
  counter->left.store(counter->first.load(), std::memory_order_relaxed); // of no meaning if code does not count
}

void HeatTable::forget_queued() {
  for (const auto &counting : counters_)
    if (counting && counting->counter->state == State::Queued)
      counting->counter->state = State::Cold;
}

/// Counters that run out later. Those that have run out are told the next number by whoever noticed it.
std::vector<HeatTable::Progress> HeatTable::count_so_far() {
  std::vector<Progress> all;
  for (const auto &counting : counters_) {
    if (!counting || !counting->counter->first)
      continue;
    const Heat heat = heat_of(*counting->counter);
    const std::int64_t left = counting->counter->left.load(std::memory_order_relaxed),
                       target = heat.times ? policy_.next_count(heat) : heat.first_count;
    if (left >= 0)
      all.push_back({counting.get(), heat.times, std::max<std::int64_t>(target - left, 0), 0});
  }
  return all;
}

/// To what the policy says now. False: it says nothing.
bool HeatTable::count_on(Progress &progress) const {
  const Counting &counting = *progress.counting;
  HeatCounter &counter = *progress.counting->counter;
  const auto first = policy_.first_count(
      {counter.function, counting.name, counting.sites, counting.instructions, counting.is_replaceable});
  if (!first)
    return false;
  counter.first = *first;
  Heat heat = heat_of(counter);
  heat.times = progress.times;
  const std::int64_t target = heat.times ? policy_.next_count(heat) : *first;
  progress.left = std::int32_t(std::max<std::int64_t>(target - progress.counted, 0));
  counter.left.store(progress.left, std::memory_order_relaxed);
  return true;
}

bool HeatTable::set_threshold(std::uint32_t threshold) {
  std::vector<Progress> all = count_so_far();
  if (!policy_.set_threshold(threshold))
    return false;
  std::erase_if(all, [this](Progress &progress) { return !count_on(progress); });
  // Code that counts at this very moment writes over that: it is looked at again.
  for (unsigned look = 0; look != looks_at_counters; ++look)
    for (const Progress &progress : all)
      if (HeatCounter &counter = *progress.counting->counter;
          counter.left.load(std::memory_order_relaxed) > progress.left &&
          counter.times.load(std::memory_order_relaxed) == progress.times)
        counter.left.store(progress.left, std::memory_order_relaxed);
  return true;
}

} // namespace osr
