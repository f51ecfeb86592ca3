// Patches: several functions get new bodies at once, or none does.
#include "compiler/base/error.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

RedefineOptions options_for(Tier to) {
  RedefineOptions options;
  options.same_sites_if_same_shape = true;
  options.find_site_map = true;
  options.keep_old_body = true;
  options.to = to;
  return options;
}

std::string names_of(ArrayRef<PatchedBody> bodies) {
  std::string names;
  for (const PatchedBody &body : bodies)
    names += (names.empty() ? "" : ", ") + body.function;
  return names;
}

/// Of one of the functions.
Error because_of(StringRef function, Error error) {
  return make_error("'{}': {}", function.str(), toString(std::move(error)));
}

void note(StringRef function, const RedefineOutcome &one, PatchOutcome &outcome) {
  outcome.functions.push_back(function.str());
  if (one.had_same_sites)
    outcome.same_shape.push_back(function.str());
}

} // namespace

/// What both have in common, as change_body() is for one function.
Expected<PatchOutcome> Redefiner::change_bodies(const char *verb, StringRef name, const RedefineOptions &options,
                                                function_ref<Expected<PatchOutcome>()> change) {
  if (Error error = check_ready(name))
    return error;
  std::string problem = prepare_tables(options.find_site_map);
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  tables_problem_ = std::move(problem);
  Because because(Cause::Redefinition);
  TracedRequest traced(verb, name, options.to);
  auto outcome = change();
  if (!outcome)
    return not_done(traced.failed(outcome.takeError()), name);
  traced.done(outcome->all.old_body);
  conclude(outcome->functions.size());
  return outcome;
}

Expected<PatchOutcome> Redefiner::patch(ArrayRef<PatchedBody> bodies, Tier to) {
  if (bodies.empty())
    return make_error("a patch has at least one function");
  const RedefineOptions options = options_for(to);
  return change_bodies("patch", names_of(bodies), options,
                       [&]() OSR_REQUIRES(engine_lock) { return patch_locked(bodies, options); });
}

Expected<PatchOutcome> Redefiner::revert_patch(Tier to) {
  const RedefineOptions options = options_for(to);
  return change_bodies("revert", "the newest patch", options,
                       [&]() OSR_REQUIRES(engine_lock) { return revert_patch_locked(options); });
}

/// All that can be refused, of all functions, before anything changes.
Error Redefiner::check_patch(ArrayRef<PatchedBody> bodies, const RedefineOptions &options, PatchOutcome &outcome) {
  std::set<FunctionId> seen;
  for (const PatchedBody &patched : bodies) {
    auto old = engine_.find_body(patched.function);
    if (!old)
      return old.takeError();
    if (!seen.insert(*old).second)
      return make_error("the patch has '{}' twice", patched.function);
    RedefineOutcome one;
    if (auto choice = choose_body(*old, *patched.ir, options, one); !choice)
      return because_of(patched.function, choice.takeError());
    note(patched.function, one, outcome);
  }
  return Error::success();
}

Expected<PatchOutcome> Redefiner::patch_locked(ArrayRef<PatchedBody> bodies, const RedefineOptions &options) {
  PatchOutcome outcome;
  if (Error error = check_patch(bodies, options, outcome))
    return error;
  // Calls of functions that have been exchanged wait for the lock: no new body runs before all are there.
  std::vector<Exchange> exchanges;
  for (const PatchedBody &patched : bodies) {
    auto old = engine_.find_body(patched.function);
    auto exchange = old ? adopt(*old, *patched.ir, options, outcome.all) : Expected<Exchange>(old.takeError());
    if (!exchange) {
      undo(exchanges);
      return because_of(patched.function, exchange.takeError());
    }
    exchanges.push_back(std::move(*exchange));
  }
  if (Error error = finish(exchanges, options.to, outcome.all))
    return error;
  std::vector<Step> steps;
  for (const Exchange &exchange : exchanges) {
    remember(exchange.entry, exchange.old);
    steps.push_back({exchange.entry, exchange.fresh});
  }
  patches_.push_back(std::move(steps));
  forget_unreachable_patches();
  return outcome;
}

/// Whether the function has this body, or can go back to it.
bool Redefiner::is_kept(const Step &step) const {
  if (step.fresh == no_function)
    return false;
  auto kept = kept_.find(step.entry);
  return engine_.targets().bodies().current(step.entry) == step.fresh ||
         (kept != kept_.end() && is_contained(kept->second, step.fresh));
}

/// Those that none of their functions comes back to. While one of them can be reached, its function does not go back alone.
void Redefiner::forget_unreachable_patches() {
  erase_if(patches_, [&](const std::vector<Step> &steps) OSR_REQUIRES(engine_lock) {
    return none_of(steps, [&](const Step &step) OSR_REQUIRES(engine_lock) { return is_kept(step); });
  });
}

Expected<PatchOutcome> Redefiner::revert_patch_locked(const RedefineOptions &options) {
  if (patches_.empty())
    return make_error("there is none");
  const Bodies &bodies = engine_.targets().bodies();
  for (const Step &step : patches_.back()) {
    if (!is_kept(step))
      return make_error("'{}' has been redefined so often since that the body of this patch was not kept",
                        engine_.name_of(step.entry));
    if (bodies.current(step.entry) != step.fresh)
      return make_error("'{}' has been redefined since: revert that first", engine_.name_of(step.entry));
    if (!kept_.contains(step.entry))
      return make_error("the body of '{}' before it was not kept", engine_.name_of(step.entry));
  }
  PatchOutcome outcome;
  std::vector<Exchange> exchanges;
  for (const Step &step : patches_.back()) {
    RedefineOutcome one;
    auto exchange = go_back(step.fresh, options, one);
    if (!exchange) {
      undo(exchanges);
      return exchange.takeError();
    }
    note(engine_.name_of(step.entry), one, outcome);
    exchanges.push_back(std::move(*exchange));
  }
  if (Error error = finish(exchanges, options.to, outcome.all))
    return error;
  for (const Exchange &exchange : exchanges)
    forget_kept(exchange.entry);
  patches_.pop_back();
  return outcome;
}

/// A function of a patch does not go back alone: the others rely on it.
Error Redefiner::check_not_patched(FunctionId body) const {
  const EntryId entry = engine_.targets().bodies().entry_of(body);
  for (const std::vector<Step> &steps : patches_)
    if (steps.size() > 1 && any_of(steps, [&](const Step &step) { return step.entry == entry && step.fresh == body; }))
      return make_error("it was patched together with others: 'revert' without a function takes the patch back");
  return Error::success();
}

} // namespace osr
