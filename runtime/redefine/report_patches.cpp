// How far the program is with its patches: which threads have activations of old bodies.
#include "compiler/sites/number_sites.h"
#include "runtime/redefine/waiting_change.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

Expected<PatchReport> Redefiner::report_patches() {
  PatchReport report;
  const Bodies &bodies = engine_.targets().bodies();
  for (const auto &waiting : reverse(waiting_))
    report.patches.push_back(
        {waiting->change.outcome.number, waiting->change.outcome.functions, /*waits=*/true, waiting->change.goes_back});
  for (const Patch &patch : reverse(patches_)) {
    PatchState &state = report.patches.emplace_back(PatchState{patch.number, {}});
    for (const Step &step : patch.steps)
      state.functions.push_back(engine_.name_of(step.entry));
  }
  auto standing = find_standing(engine_, [&](FunctionId body) OSR_REQUIRES(engine_lock) {
    return bodies.old().contains(body) || any_of(waiting_, [&](const auto &waiting) OSR_REQUIRES(engine_lock) {
             return exchange_of(waiting->change, body) != nullptr;
           });
  });
  if (!standing)
    return standing.takeError();
  auto activation = standing->activations.begin();
  for (const StandingThread &thread : standing->threads) {
    ThreadPatchState &state = report.threads.emplace_back(ThreadPatchState{thread.tid, thread.role, {}});
    for (; activation != standing->activations.end() && activation->thread == thread.tid; ++activation)
      if (auto old = old_activation(*activation))
        state.old.push_back(std::move(*old));
  }
  return report;
}

/// Nothing: it is as new as it can be, or will be when what waits is done.
std::optional<OldActivation> Redefiner::old_activation(const StandingActivation &activation) {
  const Bodies &bodies = engine_.targets().bodies();
  OldActivation old;
  old.site = {activation.body, activation.site.value_or(0)};
  old.is_in_call = activation.site.has_value();
  old.goes_on = activation.goes_on_in && bodies.is_current(*activation.goes_on_in);
  const EntryId entry = bodies.entry_of(activation.body);
  const bool is_current = bodies.is_current(activation.body);
  for (const auto &waiting : waiting_) {
    const Exchange *exchange = exchange_of(waiting->change, activation.body);
    if (!exchange || !would_stay(activation, *exchange))
      continue;
    old.lacks.push_back(waiting->change.outcome.number);
    if (const auto refused = exchange->refused.find(old.site.index); is_current && refused != exchange->refused.end())
      old.reason = refused->second;
  }
  if (is_current)
    return old.lacks.empty() ? std::nullopt : std::optional(std::move(old));
  for (const Patch &patch : patches_)
    for (const Step &step : patch.steps)
      if (step.entry == entry && step.fresh != no_function && age_of(activation.body) < age_of(step.fresh))
        old.lacks.push_back(patch.number);
  if (!old.goes_on && activation.site)
    old.reason = engine_.stubs().site_maps().why_refused(SiteRecord{.frames = {{old.site, {}}}});
  return old;
}

} // namespace osr
