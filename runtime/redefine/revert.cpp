// The part of the redefiner that keeps bodies which functions had before, and goes back to them.
#include "compiler/base/error.h"
#include "runtime/redefine/redefiner.h"

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_kept_bodies = 8; ///< of one function

} // namespace

Expected<RedefineOutcome> Redefiner::revert_locked(FunctionId now, const RedefineOptions &options) {
  if (Error error = check_not_patched(now))
    return error;
  RedefineOutcome outcome;
  auto exchange = go_back(now, options, outcome);
  if (!exchange)
    return exchange.takeError();
  if (Error error = finish(*exchange, options.to, outcome))
    return error;
  is_back(*exchange);
  forget_unreachable_patches();
  return outcome;
}

/// The same steps as adopt(); the body is there already, or is made again.
Expected<Redefiner::Exchange> Redefiner::go_back(FunctionId now, const RedefineOptions &options,
                                                 RedefineOutcome &outcome) {
  auto before = body_before(engine_.targets().bodies().entry_of(now));
  if (!before)
    return before.takeError();
  Exchange exchange;
  exchange.old = now;
  exchange.fresh = exchange.before = *before;
  auto site_map = site_map_for(now, engine_.program().functions[exchange.fresh],
                               engine_.compiler().code_of(exchange.fresh), options, outcome);
  if (!site_map)
    return site_map.takeError();
  exchange.site_map = std::move(*site_map);
  if (exchange.site_map.empty() && !outcome.had_same_sites && options.find_site_map)
    if (Error error = go_back_by_map(exchange, options, outcome))
      return error;
  if (exchange.fresh != exchange.before)
    return exchange;
  exchange.invalid = versions_that_rest_on(now);
  engine_.compiler().make_current(exchange.fresh, now);
  begin(exchange);
  return exchange;
}

Expected<FunctionId> Redefiner::body_before(EntryId entry) const {
  const auto found = kept_.find(entry);
  if (found == kept_.end())
    return make_error("it has the body that it began with, or an earlier one was not kept");
  return found->second.back();
}

/// The function has the body before, or the one that takes its place.
void Redefiner::is_back(const Exchange &exchange) {
  for (Patch &patch : patches_)
    for (Step &step : patch.steps)
      if (step.entry == exchange.entry && step.fresh == exchange.before)
        step.fresh = exchange.fresh;
  forget_kept(exchange.entry);
}

void Redefiner::remember(EntryId entry, FunctionId old) {
  std::vector<FunctionId> &bodies = kept_[entry];
  engine_.targets().bodies().keep(old);
  bodies.push_back(old);
  if (bodies.size() <= most_kept_bodies)
    return;
  const FunctionId forgotten = bodies.front();
  engine_.targets().bodies().do_not_keep(forgotten);
  bodies.erase(bodies.begin());
  for (Patch &patch : patches_)
    for (Step &step : patch.steps)
      if (step.entry == entry && step.fresh == forgotten)
        step.fresh = no_function; // its number will be another body's
}

/// The function is removed: whoever defines it again does not go back to bodies of before.
void Redefiner::forget_all(EntryId entry) {
  while (kept_.contains(entry))
    forget_kept(entry);
  for (Patch &patch : patches_)
    for (Step &step : patch.steps)
      if (step.entry == entry)
        step.fresh = no_function;
}

/// The body before the current one is not kept any more.
void Redefiner::forget_kept(EntryId entry) {
  auto found = kept_.find(entry);
  engine_.targets().bodies().do_not_keep(found->second.back());
  found->second.pop_back();
  if (found->second.empty())
    kept_.erase(found);
}

} // namespace osr
