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

/// What a patch and its way back, for which there are no bodies, have in common, as change_body() is for one function.
Expected<PatchOutcome> Redefiner::change_bodies(const char *verb, StringRef name, ArrayRef<PatchedBody> bodies,
                                                const PatchOptions &options) {
  if (Error error = check_ready(name))
    return error;
  std::string problem = prepare_tables(/*is_wanted=*/true);
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  tables_problem_ = std::move(problem);
  if (options.wait) {
    lock.unlock();
    return change_when_free(verb, name, bodies, options);
  }
  Because because(Cause::Redefinition);
  TracedRequest traced(verb, name, options.to);
  if (options.before) {
    if (Error error = check_change(bodies, options))
      return not_done(traced.failed(std::move(error)), name);
    lock.unlock();
    Error refused = options.before();
    lock.lock(after_waiting);
    if (refused)
      return not_done(traced.failed(std::move(refused)), name);
  }
  auto outcome = change_now(bodies, options);
  if (!outcome)
    return not_done(traced.failed(outcome.takeError()), name);
  traced.done(outcome->all.old_body);
  conclude(outcome->functions.size());
  return outcome;
}

Expected<PatchOutcome> Redefiner::patch(ArrayRef<PatchedBody> bodies, const PatchOptions &options) {
  if (bodies.empty())
    return make_error("a patch has at least one function");
  return change_bodies("patch", names_of(bodies), bodies, options);
}

Expected<PatchOutcome> Redefiner::revert_patch(const PatchOptions &options) {
  read_originals(options.alone);
  return change_bodies("revert", options.alone.empty() ? newest_patch : StringRef(options.alone), {}, options);
}

/// Nothing changes.
Error Redefiner::check_change(ArrayRef<PatchedBody> bodies, const PatchOptions &options) {
  PatchOutcome outcome;
  return bodies.empty() ? check_way_back(options) : check_patch(bodies, options, outcome);
}

/// All that can be refused, of all functions, before anything changes.
Error Redefiner::check_patch(ArrayRef<PatchedBody> bodies, const PatchOptions &options, PatchOutcome &outcome) {
  std::set<FunctionId> seen;
  for (const PatchedBody &patched : bodies) {
    if (options.is_cancelled && *options.is_cancelled)
      return make_error("the request was cancelled");
    if (options.progress)
      options.progress(fmt::format("checks '{}', {} of {}", patched.function, seen.size() + 1, bodies.size()));
    auto old = engine_.find_body(patched.function);
    if (!old)
      return old.takeError();
    if (!seen.insert(*old).second)
      return make_error("the patch has '{}' twice", patched.function);
    RedefineOutcome one;
    if (auto choice = choose_body(*old, *patched.ir, options_for(options.to), one); !choice)
      return because_of(patched.function, choice.takeError());
    note(patched.function, one, outcome);
  }
  return Error::success();
}

Expected<PatchOutcome> Redefiner::change_now(ArrayRef<PatchedBody> bodies, const PatchOptions &options) {
  auto change = begin_change(bodies, options);
  if (!change)
    return change.takeError();
  if (Error error = finish(change->exchanges, options.to, change->outcome.all))
    return error;
  conclude_change(*change);
  return std::move(change->outcome);
}

/// Calls mean the other bodies, of all functions or, with an error, of none.
Expected<Redefiner::PatchChange> Redefiner::begin_change(ArrayRef<PatchedBody> bodies, const PatchOptions &options) {
  return bodies.empty() ? begin_way_back(options) : begin_patch(bodies, options);
}

Expected<Redefiner::PatchChange> Redefiner::begin_patch(ArrayRef<PatchedBody> bodies, const PatchOptions &options) {
  PatchChange change;
  if (Error error = check_patch(bodies, options, change.outcome))
    return error;
  // Calls of functions that have been exchanged wait for the lock: no new body runs before all are there.
  for (const PatchedBody &patched : bodies) {
    auto old = engine_.find_body(patched.function);
    auto exchange = old ? adopt(*old, *patched.ir, options_for(options.to), change.outcome.all)
                        : Expected<Exchange>(old.takeError());
    if (!exchange) {
      undo(change.exchanges);
      return because_of(patched.function, exchange.takeError());
    }
    change.exchanges.push_back(std::move(*exchange));
  }
  change.outcome.number = ++last_patch_;
  return change;
}

void Redefiner::conclude_change(PatchChange &change) {
  if (change.goes_back) {
    if (!change.is_alone)
      patches_.pop_back();
    for (const Exchange &exchange : change.exchanges)
      is_back(exchange);
    forget_unreachable_patches();
    return;
  }
  Patch patch{change.outcome.number, {}};
  for (const Exchange &exchange : change.exchanges) {
    remember(exchange.entry, exchange.old);
    patch.steps.push_back({exchange.entry, exchange.fresh});
  }
  patches_.push_back(std::move(patch));
  forget_unreachable_patches();
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
  erase_if(patches_, [&](const Patch &patch) OSR_REQUIRES(engine_lock) {
    return none_of(patch.steps, [&](const Step &step) OSR_REQUIRES(engine_lock) { return is_kept(step); });
  });
}

Error Redefiner::check_way_back(const PatchOptions &options) const {
  if (!options.alone.empty()) {
    auto now = engine_.find_body(options.alone);
    if (!now)
      return now.takeError();
    if (Error error = check_not_patched(*now))
      return error;
    return body_before(engine_.targets().bodies().entry_of(*now)).takeError();
  }
  if (patches_.empty())
    return make_error("there is none");
  const Bodies &bodies = engine_.targets().bodies();
  for (const Step &step : patches_.back().steps) {
    if (!is_kept(step))
      return make_error("'{}' has been redefined so often since that the body of this patch was not kept",
                        engine_.name_of(step.entry));
    if (bodies.current(step.entry) != step.fresh)
      return make_error("'{}' has been redefined since: revert that first", engine_.name_of(step.entry));
    if (!kept_.contains(step.entry))
      return make_error("the body of '{}' before it was not kept", engine_.name_of(step.entry));
  }
  return Error::success();
}

Expected<Redefiner::PatchChange> Redefiner::begin_way_back(const PatchOptions &options) {
  if (Error error = check_way_back(options))
    return error;
  PatchChange change;
  change.goes_back = true;
  change.is_alone = !options.alone.empty();
  change.outcome.number = change.is_alone ? ++last_patch_ : patches_.back().number;
  for (const FunctionId now : bodies_that_go_back(options)) {
    RedefineOutcome one;
    auto exchange = go_back(now, options_for(options.to), one);
    if (!exchange) {
      undo(change.exchanges);
      return exchange.takeError();
    }
    note(engine_.name_of(exchange->entry), one, change.outcome);
    append_range(change.outcome.all.sites, one.sites);
    change.exchanges.push_back(std::move(*exchange));
  }
  return change;
}

/// After check_way_back().
std::vector<FunctionId> Redefiner::bodies_that_go_back(const PatchOptions &options) const {
  if (!options.alone.empty()) {
    auto now = engine_.find_body(options.alone);
    return {cantFail(std::move(now))};
  }
  std::vector<FunctionId> bodies;
  for (const Step &step : patches_.back().steps)
    bodies.push_back(step.fresh);
  return bodies;
}

/// A function of a patch does not go back alone: the others rely on it.
Error Redefiner::check_not_patched(FunctionId body) const {
  const EntryId entry = engine_.targets().bodies().entry_of(body);
  for (const Patch &patch : patches_)
    if (patch.steps.size() > 1 &&
        any_of(patch.steps, [&](const Step &step) { return step.entry == entry && step.fresh == body; }))
      return make_error("it was patched together with others: 'revert' without a function takes the patch back");
  return Error::success();
}

} // namespace osr
