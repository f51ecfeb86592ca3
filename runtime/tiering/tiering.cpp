#include "runtime/tiering/tiering.h"

#include "runtime/events/cause.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"
#include "runtime/tiering/unlocked_compiles.h"

#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_steps = 8; ///< each may find an activation at a site where the one before did not

/// It goes with the arena.
HeatTable::Allocate room_near_code(SlabArena &arena) {
  return [&arena](std::size_t size, std::size_t align) -> void * {
    auto room = arena.allocate(SlabKind::Data, size, align);
    if (room)
      return room->writable;
    consumeError(room.takeError());
    return nullptr;
  };
}

} // namespace

Tiering::Tiering(Engine &engine, const FirstCalls &calls, Replacer &replacer, TierUpOptions options)
    : engine_(engine), calls_(calls), replacer_(replacer),
      tier_up_(std::move(options), room_near_code(engine.arena()),
               [this](FunctionId body, NoticedBy by, bool is_first, TierUp::Where where) {
                 return optimize(body, by, is_first, where);
               }) {
  engine_.versions().count_heat_in([this](FunctionId body) OSR_REQUIRES(engine_lock) {
    const FunctionInfo &info = engine_.compiler().numbered(body);
    const std::size_t instructions = engine_.program().module->getFunction(info.name)->getInstructionCount();
    return tier_up_.counter_of(info, instructions, may_tier_up(body));
  });
}

void Tiering::start(bool may_compile_in_calls) {
  tier_up_.start(may_compile_in_calls);
  start_sampling();
}

void Tiering::start_sampling() {
  const std::chrono::microseconds period = tier_up_.policy().sampling_period();
  if (period.count() == 0)
    return;
  sampler_ = std::make_unique<StackSampler>(engine_);
  const auto per_second = std::chrono::microseconds(std::chrono::seconds(1)) / period;
  sampling_ = std::make_unique<Ticker>("osr sampler", std::max<std::uint64_t>(per_second, 1), [this] { sample(); });
}

void Tiering::stop() {
  sampling_.reset();
  tier_up_.stop();
}

void Tiering::end_by(std::chrono::steady_clock::time_point when) {
  if (sampling_)
    sampling_->end_by(when);
  tier_up_.end_by(when);
}

void Tiering::after_fork(bool is_child) {
  if (is_child)
    (void)sampling_.release(); // its thread cannot be joined
  tier_up_.after_fork(is_child);
  if (is_child)
    start_sampling();
}

bool Tiering::may_tier_up(FunctionId body) const {
  return engine_.program().functions[body].pinned != PinReason::Naked && // nothing can be put into its code
         calls_.may_be_optimized(body);
}

/// A body that was redefined may be gone; the new one counts by itself. Activations that cannot be replaced at
/// all end in the old code. Of a function like main, which nobody in the program calls, only the activations matter: a
/// version for calls to come would be compiled for nothing.
TierUp::Outcome Tiering::optimize(FunctionId body, NoticedBy by, bool is_first, TierUp::Where where) {
  Because because(cause_of(by));
  Lock lock(engine_.mutex());
  const Bodies &bodies = engine_.targets().bodies();
  if (!bodies.is_current(body))
    return TierUp::NotDone::ForEver;
  const EntryId entry = bodies.entry_of(body);
  const bool in_compile_thread = where == TierUp::Where::CompileThread;
  const bool rests = in_compile_thread && !is_first && chases_.rests(body, ChaseLimit::Clock::now());
  if (is_paused_ || rests || calls_.is_held_at_baseline(entry))
    return TierUp::NotDone::ForNow;
  const FunctionInfo &info = engine_.program().functions[body];
  const bool must_finish = info.pinned != PinReason::None || engine_.versions().counts_activations();
  const bool only_activations = (is_first || chases_.gave_up_on(body)) && !must_finish && by != NoticedBy::Entry &&
                                engine_.program().module->getFunction(info.name)->use_empty();
  lock.unlock();
  ContinuationBudget budget;
  const ReplaceOptions options{.to = Tier::Optimized,
                               .frames = must_finish ? Frames::FinishOld : Frames::Rewrite,
                               .old_code = OldCode::Keep,
                               .redirect_calls = !only_activations,
                               .may_wait = in_compile_thread};
  const Effort effort{.budget = &budget};
  auto outcome =
      in_compile_thread ? optimize_by_steps(entry, body, options, effort) : replacer_.replace(entry, options, effort);
  if (!outcome && Handshake::has_just_met_vfork()) { // its parent goes on soon
    consumeError(outcome.takeError());
    return TierUp::NotDone::ForNow;
  }
  return outcome;
}

bool Tiering::has_one_thread() const {
  Lock lock(engine_.threads().mutex(), after_waiting);
  return engine_.threads().threads().size() <= 1;
}

/// The lock is free while something is compiled: threads of the program need it when they call something for the first time.
/// Once there is a continuation, an activation that goes round in a loop is likely to come back to where that begins.
Tiering::Outcome Tiering::optimize_by_steps(EntryId entry, FunctionId body, const ReplaceOptions &options,
                                            Effort effort) {
  if (options.redirect_calls)
    compile_unlocked(engine_, body, {{body, Tier::Optimized, std::nullopt}});
  std::vector<VersionKey> missing;
  ReplaceOutcome total;
  ChaseLimit::Clock::duration spent{};
  for (unsigned step = 0;; ++step) {
    missing.clear();
    effort.missing = step < most_steps ? &missing : nullptr; // it reaches new sites all the time: with the lock, then
    auto outcome = replacer_.replace(entry, options, effort);
    if (!outcome)
      return outcome;
    outcome->add(total);
    total = std::move(*outcome);
    if (missing.empty())
      return total;
    const auto begin = ChaseLimit::Clock::now();
    if (!ChaseLimit::may_go_on(spent)) {
      Lock lock(engine_.mutex(), after_waiting);
      chases_.gave_up(body, spent, begin);
      if (has_one_thread()) // others would wait for the lock
        tier_up_.let_wait(body);
      total.running += missing.size();
      return total;
    }
    compile_unlocked(engine_, body, missing);
    spent += ChaseLimit::Clock::now() - begin;
    effort.spares_compiling = true;
  }
}

void Tiering::sample() {
  std::vector<HeatCounter *> hot;
  {
    Undisturbed undisturbed;
    Lock lock(engine_.mutex(), after_waiting);
    for (FunctionId body : sampler_->look())
      if (HeatCounter *counter = tier_up_.see(body))
        hot.push_back(counter);
  }
  tier_up_.count_sample();
  for (HeatCounter *counter : hot)
    tier_up_.add(*counter, NoticedBy::Sampler);
}

void Tiering::on_heat(HeatCounter &counter, NoticedBy by) {
  Undisturbed undisturbed;
  on_work_stack([&] { tier_up_.on_counter(counter, by); });
}

void Tiering::on_counted_poll(std::uint64_t return_pc_slot) {
  ReturnSite site = engine_.registry().find_return_site(*reinterpret_cast<std::uint64_t *>(return_pc_slot));
  if (site && site.object->heat && site.object->heat->left.load(std::memory_order_relaxed) < 0)
    on_heat(*site.object->heat, NoticedBy::Loop);
}

} // namespace osr
