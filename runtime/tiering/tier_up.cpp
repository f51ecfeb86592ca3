#include "runtime/tiering/tier_up.h"

#include "compiler/base/check.h"
#include "osr-stubs/cancellation.h"
#include "runtime/events/trace.h"
#include "runtime/threads/undisturbed.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <utility>

using namespace llvm;

namespace osr {

using State = HeatCounter::State;

namespace {

std::atomic<HeatHandler *> heat_handler = nullptr; ///< the same for all runtimes

[[gnu::noinline]] void heat(HeatCounter *counter, NoticedBy by, std::uint64_t pc) {
  Undisturbed undisturbed;
  heat_handler.load(std::memory_order_relaxed)(counter, by, pc);
}

extern "C" void osr_heat(HeatCounter *counter, std::int32_t in_loop) {
  const int before = defer_cancellation();
  heat(counter, in_loop ? NoticedBy::Loop : NoticedBy::Entry,
       reinterpret_cast<std::uint64_t>(__builtin_return_address(0)));
  cancel_as_before(before);
}

} // namespace

void answer_heat(HeatHandler *handler) { heat_handler = handler; }

std::vector<AbsoluteSymbol> heat_symbols() { return {{heat_callee, reinterpret_cast<std::uint64_t>(&osr_heat)}}; }

Cause cause_of(NoticedBy by) {
  switch (by) {
  case NoticedBy::Entry: return Cause::HotEntry;
  case NoticedBy::Loop: return Cause::HotLoop;
  case NoticedBy::Sampler: return Cause::HotSample;
  }
  return Cause::Request;
}

TierUp::TierUp(TierUpOptions options, HeatTable::Allocate allocate, Optimize optimize)
    : options_(std::move(options)), optimize_(std::move(optimize)), table_(*options_.policy, std::move(allocate)) {}

/// A signal handler may interrupt the thread in the C library, which the compiler would need.
void TierUp::start(bool in_calling_thread_is_possible) {
  may_compile_in_calls_ = in_calling_thread_is_possible;
  threads_ = options_.compile_threads || in_calling_thread_is_possible ? options_.compile_threads : 1;
  queue_ = std::make_unique<CompileQueue>(options_.queue_capacity, threads_, [this](CompileQueue::Item item) {
    work(item, threads_ ? Where::CompileThread : Where::NoticedThread);
  });
}

void TierUp::end_by(std::chrono::steady_clock::time_point when) {
  if (queue_)
    queue_->end_by(when);
}

void TierUp::on_counter(HeatCounter &counter, NoticedBy by) {
  if (!table_.restart(counter))
    return;
  if (compiles_in_calling_thread())
    retry_left(counter);
  if (!table_.notice(counter))
    return;
  if (by == NoticedBy::Loop && counter.is_to_wait.exchange(false))
    work({&counter, by}, Where::NoticedThread);
  else
    add(counter, by);
}

void TierUp::let_wait(FunctionId body) {
  if (HeatCounter *counter = table_.find(body); counter && may_compile_in_calls_)
    counter->is_to_wait = true;
}

void TierUp::retry_left(const HeatCounter &except) {
  Lock lock(mutex_);
  const std::set<HeatCounter *> left = std::exchange(left_, {});
  lock.unlock();
  for (HeatCounter *counter : left)
    if (counter != &except)
      work({counter, NoticedBy::Entry}, Where::NoticedThread);
}

HeatCounter *TierUp::see(FunctionId body) {
  HeatCounter *counter = table_.find(body);
  return counter && table_.notice(*counter) ? counter : nullptr;
}

HeatCounter *TierUp::counter_of(const FunctionInfo &body, std::size_t instructions, bool may_tier_up) {
  {
    Lock lock(mutex_);
    names_[body.id] = body.name; // somebody may want to know later
  }
  return table_.counter_of(body, instructions, may_tier_up);
}

void TierUp::trace_decision(const HeatCounter &counter, NoticedBy by) {
  Trace *trace = Trace::active();
  if (!trace)
    return;
  Lock lock(mutex_);
  const std::string name = names_[counter.function];
  const bool is_first = !counts_.functions.contains(counter.function);
  lock.unlock();
  trace->instant("tier-up", name, {{"cause", to_string(cause_of(by))}, {"first", is_first}});
}

void TierUp::add(HeatCounter &counter, NoticedBy by) {
  trace_decision(counter, by);
  if (queue_ && queue_->add({&counter, by}))
    return;
  if (Trace *trace = Trace::active())
    trace->instant("tier-up", "queue is full", {});
  ++dropped_;
  counter.state = State::Cold;
}

bool TierUp::was_asked_for(FunctionId body) const {
  Lock lock(mutex_);
  return counts_.functions.contains(body);
}

void TierUp::work(CompileQueue::Item item, Where where) {
  const auto begin = std::chrono::steady_clock::now();
  HeatCounter &counter = *item.counter;
  Outcome done = optimize_(counter.function, item.by, !was_asked_for(counter.function), where);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  Lock lock(mutex_);
  counts_.seconds += taken.count();
  if (const auto *not_done = std::get_if<NotDone>(&done)) {
    counter.state = *not_done == NotDone::ForNow ? State::Cold : State::Left;
    return;
  }
  auto &outcome = *std::get_if<Expected<ReplaceOutcome>>(&done);
  if (!outcome) {
    ++counts_.failed[toString(outcome.takeError())];
    counter.state = State::Left;
    return;
  }
  ++counts_.requests;
  if (counts_.functions.insert(counter.function).second)
    switch (item.by) {
    case NoticedBy::Entry: ++counts_.by_entry; break;
    case NoticedBy::Loop: ++counts_.by_loop; break;
    case NoticedBy::Sampler: ++counts_.by_sampler; break;
    }
  counts_.moved += outcome->rewritten;
  counts_.at_polls += outcome->at_polls;
  counts_.left += outcome->running;
  if (compiles_in_calling_thread() && (outcome->running || !outcome->refused.empty()))
    left_.insert(&counter);
  counter.state = State::Hot;
}

void TierUp::before_fork() {
  mutex_.lock();
  if (queue_)
    queue_->mutex().lock();
}

void TierUp::after_fork(bool is_child) {
  if (queue_)
    queue_->mutex().unlock();
  mutex_.unlock();
  if (!is_child || !queue_)
    return;
  (void)queue_.release(); // its threads do not exist here and cannot be joined
  table_.forget_queued();
  start(may_compile_in_calls_);
}

Statistics::TierUp TierUp::statistics() const {
  Lock lock(mutex_);
  Statistics::TierUp result = counts_;
  result.is_on = true;
  result.samples = samples_;
  result.dropped = dropped_;
  result.most_waiting = queue_ ? queue_->most_waiting() : 0;
  result.unfinished = queue_ ? queue_->begun() : 0;
  return result;
}

} // namespace osr
