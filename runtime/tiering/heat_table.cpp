#include "runtime/tiering/heat_table.h"

namespace osr {

using State = HeatCounter::State;

namespace {

FunctionSummary summary_of(const FunctionInfo &body, std::size_t instructions) {
  return {body.id, body.name, body.sites().size(), instructions, body.pinned == PinReason::None};
}

} // namespace

HeatCounter *HeatTable::counter_of(const FunctionInfo &body, std::size_t instructions, bool may_tier_up) {
  if (counters_.size() <= body.id)
    counters_.resize(body.id + 1);
  std::unique_ptr<HeatCounter> &counter = counters_[body.id];
  if (!counter)
    counter = std::make_unique<HeatCounter>();
  counter->function = body.id;
  const std::optional<std::int32_t> first =
      may_tier_up ? policy_.first_count(summary_of(body, instructions)) : std::nullopt;
  if (!may_tier_up)
    counter->state = State::Left;
  if (!first)
    return nullptr;
  counter->left = counter->first = *first;
  counter->counts_work = policy_.counted() == Counted::Work;
  return counter.get();
}

HeatCounter *HeatTable::find(FunctionId body) { return body < counters_.size() ? counters_[body].get() : nullptr; }

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
  counter->left.store(counter->first, std::memory_order_relaxed); // of no meaning if code does not count
}

void HeatTable::forget_queued() {
  for (const auto &counter : counters_)
    if (counter && counter->state == State::Queued)
      counter->state = State::Cold;
}

} // namespace osr
