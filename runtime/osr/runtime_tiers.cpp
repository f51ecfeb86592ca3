// The part of the runtime that lets a policy move functions to the optimised tier.
#include "runtime/osr/cause.h"
#include "runtime/osr/library_state.h"
#include "runtime/osr/runtime.h"
#include "runtime/osr/stack_sampler.h"
#include "runtime/osr/startup_checks.h"
#include "runtime/osr/tier_up.h"
#include "runtime/osr/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

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
  tier_up_->start(!handles_signals(*program().module));
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
  const FunctionId entry = bodies_.entry_of(body);
  if (entry >= bodies_.entry_count() || bodies_.current(entry) != body)
    return std::nullopt; // it was redefined, and may be gone: the new body counts by itself
  const FunctionInfo &info = program().functions[body];
  const bool must_finish = info.pinned != PinReason::None || options_.freeing == Freeing::ResidenceCounting;
  const bool only_activations =
      is_first && !must_finish && by != NoticedBy::Entry && program().module->getFunction(info.name)->use_empty();
  lock.unlock();
  ContinuationBudget budget;
  return replace(entry, {.to = Tier::Optimized,
                         .frames = must_finish ? Frames::FinishOld : Frames::Rewrite,
                         .old_code = OldCode::Keep,
                         .redirect_calls = !only_activations,
                         .may_wait = !tier_up_->compiles_in_calling_thread(),
                         .spares_compiling = !tier_up_->compiles_in_calling_thread(),
                         .budget = &budget});
}

void Runtime::sample() {
  std::vector<HeatCounter *> hot;
  {
    Undisturbed undisturbed(options_.handshake.signal_number);
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
  LibraryState kept;
  Undisturbed undisturbed(running_->options_.handshake.signal_number);
  running_->tier_up_->on_counter(*counter, by);
}

void Runtime::on_counted_poll(std::uint64_t return_pc_slot) {
  if (!running_)
    return;
  ReturnSite site = running_->registry_->find_return_site(*reinterpret_cast<std::uint64_t *>(return_pc_slot));
  if (site && site.object->heat && site.object->heat->left.load(std::memory_order_relaxed) < 0)
    on_heat(site.object->heat, NoticedBy::Loop);
}

} // namespace osr
