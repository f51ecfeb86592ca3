// The part of the runtime that lets a policy move functions to the optimised tier.
#include "runtime/events/cause.h"
#include "runtime/facade/runtime.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"
#include "runtime/tiering/stack_sampler.h"
#include "runtime/tiering/tier_up.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_steps = 8; ///< each may find an activation at a site where the one before did not

} // namespace

void Runtime::set_up_tiers() {
  if (!options_.tier_up.policy)
    return;
  tier_up_ = std::make_unique<TierUp>(
      options_.tier_up, [this](FunctionId body, NoticedBy by, bool is_first) { return tier_up(body, by, is_first); });
  versions_->count_heat_in(
      [this](FunctionId body) { return tier_up_->counter_of(program().functions[body], may_tier_up(body)); });
}

/// The program is about to begin.
void Runtime::start_tiers() {
  if (!tier_up_)
    return;
  tier_up_->start(has_own_heap() || !may_handle_signals(*program().module));
  start_sampling();
}

void Runtime::start_sampling() {
  if (!tier_up_ || tier_up_->policy().sampling_period().count() == 0)
    return;
  sampler_ = std::make_unique<StackSampler>(*handshake_, threads_, *registry_, *entries_, *stub_table_);
  const auto per_second = std::chrono::microseconds(std::chrono::seconds(1)) / tier_up_->policy().sampling_period();
  sampling_ = std::make_unique<Ticker>("osr sampler", std::max<std::uint64_t>(per_second, 1), [this] { sample(); });
}

bool Runtime::may_tier_up(FunctionId body) const {
  const FunctionInfo &info = program().functions[body];
  const std::vector<std::string> &only = options_.optimize_only;
  return info.pinned != PinReason::Naked && // nothing can be put into its code
         (only.empty() || is_contained(only, program().functions[bodies_.entry_of(body)].name));
}

/// Activations that cannot be replaced at all end in the old code. Of a function like main, which nobody in the program
/// calls, only the activations matter: a version for calls to come would be compiled for nothing.
std::optional<Expected<ReplaceOutcome>> Runtime::tier_up(FunctionId body, NoticedBy by, bool is_first) {
  Because because(cause_of(by));
  std::unique_lock lock(mutex_);
  if (!bodies_.is_current(body))
    return std::nullopt; // it was redefined, and may be gone: the new body counts by itself
  const FunctionId entry = bodies_.entry_of(body);
  const FunctionInfo &info = program().functions[body];
  const bool must_finish = info.pinned != PinReason::None || options_.freeing == Freeing::ResidenceCounting;
  const bool only_activations =
      is_first && !must_finish && by != NoticedBy::Entry && program().module->getFunction(info.name)->use_empty();
  lock.unlock();
  ContinuationBudget budget;
  const ReplaceOptions options{.to = Tier::Optimized,
                               .frames = must_finish ? Frames::FinishOld : Frames::Rewrite,
                               .old_code = OldCode::Keep,
                               .redirect_calls = !only_activations,
                               .may_wait = !tier_up_->compiles_in_calling_thread(),
                               .budget = &budget};
  return tier_up_->compiles_in_calling_thread() ? replace(entry, options) : tier_up_by_steps(entry, body, options);
}

/// The lock is free while something is compiled: threads of the program need it when they call something for the first time.
/// Once there is a continuation, an activation that goes round in a loop is likely to come back to where that begins.
Expected<ReplaceOutcome> Runtime::tier_up_by_steps(FunctionId entry, FunctionId body, ReplaceOptions options) {
  if (options.redirect_calls)
    compile_unlocked(body, {{body, Tier::Optimized, std::nullopt}});
  std::vector<VersionKey> missing;
  ReplaceOutcome total;
  for (unsigned step = 0;; ++step) {
    missing.clear();
    options.missing = step < most_steps ? &missing : nullptr; // it reaches new sites all the time: with the lock, then
    auto outcome = replace(entry, options);
    if (!outcome)
      return outcome;
    outcome->add(total);
    total = std::move(*outcome);
    if (missing.empty())
      return total;
    compile_unlocked(body, missing);
    options.spares_compiling = true;
  }
}

/// What cannot be compiled is found again by the request, which says why.
void Runtime::compile_unlocked(FunctionId body, ArrayRef<VersionKey> keys) {
  Undisturbed undisturbed;
  for (const VersionKey &key : keys)
    while (!try_compile_unlocked(body, key)) {
    }
}

/// False: what was compiled rests on something that has changed meanwhile.
bool Runtime::try_compile_unlocked(FunctionId body, const VersionKey &key) {
  std::unique_lock lock = lock_after_waiting(mutex_);
  if (!bodies_.is_current(body))
    return true;
  auto pending = versions_->begin(key);
  if (!pending || !*pending) {
    consumeError(pending.takeError());
    return true;
  }
  lock.unlock();
  auto compiled = compiler_->finish(**pending);
  lock = lock_after_waiting(mutex_);
  return versions_->install(std::move(**pending), std::move(compiled));
}

void Runtime::sample() {
  std::vector<HeatCounter *> hot;
  {
    Undisturbed undisturbed;
    std::unique_lock lock = lock_after_waiting(mutex_);
    for (FunctionId body : sampler_->look())
      if (HeatCounter *counter = tier_up_->see(body))
        hot.push_back(counter);
  }
  tier_up_->count_sample();
  for (HeatCounter *counter : hot)
    tier_up_->add(*counter, NoticedBy::Sampler);
}

/// In a thread of the program, at the entry or in a loop of baseline code. The thread may be about to be cancelled; see
/// osr_loop_poll.
void Runtime::on_heat(HeatCounter *counter, NoticedBy by) {
  if (!running_)
    return;
  Undisturbed undisturbed;
  on_work_stack([=] { running_->tier_up_->on_counter(*counter, by); });
}

void Runtime::on_counted_poll(std::uint64_t return_pc_slot) {
  if (!running_)
    return;
  ReturnSite site = running_->registry_->find_return_site(*reinterpret_cast<std::uint64_t *>(return_pc_slot));
  if (site && site.object->heat && site.object->heat->left.load(std::memory_order_relaxed) < 0)
    on_heat(site.object->heat, NoticedBy::Loop);
}

} // namespace osr
