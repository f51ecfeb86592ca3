#include "runtime/redefine/redefiner.h"

#include "compiler/base/error.h"
#include "compiler/sites/same_shape.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_kept_bodies = 8; ///< of one function

} // namespace

Expected<RedefineOutcome> Redefiner::redefine(StringRef name, MemoryBufferRef ir, const RedefineOptions &options) {
  return change_body("redefine", name, options.to, [&](FunctionId body) { return redefine_locked(body, ir, options); });
}

Expected<RedefineOutcome> Redefiner::revert(StringRef name, const RedefineOptions &options) {
  return change_body("revert", name, options.to, [&](FunctionId body) { return revert_locked(body, options); });
}

/// What both have in common: who may, and what is written down.
Expected<RedefineOutcome> Redefiner::change_body(const char *verb, StringRef name, Tier to, Body change) {
  if (!replacer_.is_started())
    return make_error("'{}' cannot be redefined: no program is running", name.str());
  if (engine_.versions().counts_activations())
    return make_error("'{}' cannot be redefined: activations are counted, so no frame can be rewritten", name.str());
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(engine_.mutex());
  auto body = engine_.find_body(name);
  if (!body)
    return body.takeError();
  Because because(Cause::Redefinition);
  TracedRequest traced(verb, name, to);
  auto outcome = change(*body);
  if (!outcome) {
    std::string reason = toString(traced.failed(outcome.takeError()));
    ++engine_.statistics().requests.refused[reason];
    return make_error("'{}' is not redefined: {}", name.str(), reason);
  }
  traced.done(outcome->old_body);
  ++engine_.statistics().redefined;
  const bool is_left = replacer_.reclaimer().scan();
  lock.unlock();
  if (is_left)
    replacer_.reclaim_soon();
  return outcome;
}

Expected<std::unique_ptr<MemoryBuffer>> Redefiner::source_of(StringRef name) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(engine_.mutex());
  auto body = engine_.find_body(name);
  if (!body)
    return body.takeError();
  return engine_.compiler().source_of(*body);
}

Expected<RedefineOutcome> Redefiner::redefine_locked(FunctionId old, MemoryBufferRef ir,
                                                     const RedefineOptions &options) {
  // 1. All that can be refused.
  Compiler &compiler = engine_.compiler();
  auto body = compiler.prepare_body(old, ir);
  if (!body)
    return body.takeError();
  if (Error error = check_symbols(*body->module, engine_.session(), body->variables))
    return error;
  RedefineOutcome outcome;
  const FunctionInfo &info = body->info;
  auto site_map = site_map_for(old, info, *body->module->getFunction(info.name), options, outcome);
  if (!site_map)
    return site_map.takeError();
  if (Error error = link_variables(*body))
    return error;
  // 2. Calls mean the new body from here on, in old code too.
  const std::vector<const Version *> invalid = versions_that_rest_on(old);
  const FunctionId entry = engine_.targets().bodies().entry_of(old);
  const FunctionId fresh = compiler.adopt_body(old, std::move(*body));
  if (Error error = exchange(old, fresh, invalid, *site_map, options.to, outcome))
    return error;
  if (options.keep_old_body)
    remember(entry, old);
  return outcome;
}

/// The same steps; the body is there already.
Expected<RedefineOutcome> Redefiner::revert_locked(FunctionId now, const RedefineOptions &options) {
  const FunctionId entry = engine_.targets().bodies().entry_of(now);
  auto found = kept_.find(entry);
  if (found == kept_.end())
    return make_error("it has the body that it began with, or an earlier one was not kept");
  const FunctionId before = found->second.back();
  RedefineOutcome outcome;
  auto site_map =
      site_map_for(now, engine_.program().functions[before], engine_.compiler().code_of(before), options, outcome);
  if (!site_map)
    return site_map.takeError();
  const std::vector<const Version *> invalid = versions_that_rest_on(now);
  engine_.compiler().make_current(before, now);
  if (Error error = exchange(now, before, invalid, *site_map, options.to, outcome))
    return error;
  engine_.targets().bodies().do_not_keep(before);
  found->second.pop_back();
  if (found->second.empty())
    kept_.erase(found);
  return outcome;
}

/// How activations of the old body go on in the new one. Empty: they end where they are.
Expected<SiteMap> Redefiner::site_map_for(FunctionId old, const FunctionInfo &fresh, const Function &code,
                                          const RedefineOptions &options, RedefineOutcome &outcome) const {
  const std::vector<Site> &sites = engine_.program().functions[old].sites;
  outcome.had_same_sites = options.same_sites_if_same_shape && have_same_shape(engine_.compiler().code_of(old), code);
  const SiteMap map = options.same_sites || outcome.had_same_sites ? identity_map(sites) : options.site_map;
  if (Error error = check_site_map(map, sites, fresh.sites))
    return error;
  return map;
}

void Redefiner::remember(FunctionId entry, FunctionId old) {
  std::vector<FunctionId> &bodies = kept_[entry];
  engine_.targets().bodies().keep(old);
  bodies.push_back(old);
  if (bodies.size() <= most_kept_bodies)
    return;
  engine_.targets().bodies().do_not_keep(bodies.front());
  bodies.erase(bodies.begin());
}

/// The program's IR calls the new body. The error says that everything is as before.
Error Redefiner::exchange(FunctionId old, FunctionId fresh, ArrayRef<const Version *> invalid, const SiteMap &site_map,
                          Tier to, RedefineOutcome &outcome) {
  Bodies &bodies = engine_.targets().bodies();
  const FunctionId entry = bodies.entry_of(old);
  bodies.set_current(entry, fresh);
  const std::vector<CallTarget> before = redirect_calls(entry, invalid);
  // 3. No activation stays in code that rests on the old body.
  outcome.invalidated = invalid.size();
  auto deoptimized = deoptimize(invalid);
  if (!deoptimized) {
    undo(entry, old, fresh, before);
    return deoptimized.takeError();
  }
  outcome.dependents = std::move(*deoptimized);
  for (const Version *version : invalid)
    replacer_.reclaimer().retire(*version);
  // 4. Activations of the old body go on in the new one where the map says how. All others end where they are.
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    for (const Version *version : engine_.versions().versions_of(old, tier))
      replacer_.reclaimer().retire(*version);
  SiteMaps &maps = engine_.stubs().site_maps();
  if (!site_map.empty())
    maps.add(old, engine_.program().functions[fresh].sites, site_map);
  maps.keep_in(fresh); // if it was the body before, its activations went elsewhere
  if (!site_map.empty())
    move_to_new_body(old, to, outcome);
  return Error::success();
}

/// Its activations end in the old code. Those of code that it was inlined into go on in baseline code, which calls it no more.
void Redefiner::remove(Engine::Added module) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(engine_.mutex());
  Because because(Cause::Redefinition);
  const Bodies &bodies = engine_.targets().bodies();
  std::set<const Version *> own, dependent;
  for (FunctionId entry : module.entries)
    for (Tier tier : {Tier::Baseline, Tier::Optimized})
      for (const Version *version : engine_.versions().versions_of(bodies.current(entry), tier))
        own.insert(version);
  for (FunctionId entry : module.entries)
    for (const Version *version : versions_that_rest_on(bodies.current(entry)))
      dependent.insert(version);
  for (const Version *version : own)
    dependent.erase(version);
  const std::vector<const Version *> invalid(dependent.begin(), dependent.end());
  for (FunctionId entry : module.entries) {
    engine_.withdraw(entry);
    redirect_calls(entry, invalid);
  }
  if (auto moved = deoptimize(invalid); !moved)
    consumeError(moved.takeError()); // they end where they are
  for (const std::set<const Version *> &versions : {dependent, own})
    for (const Version *version : versions) {
      replacer_.reclaimer().retire(*version);
      module.code.push_back(version->object.id);
    }
  replacer_.reclaimer().free_when_unused(std::move(module));
  const bool is_left = replacer_.reclaimer().scan();
  lock.unlock();
  if (is_left)
    replacer_.reclaim_soon();
}

Error Redefiner::link_variables(Compiler::NewBody &body) {
  if (!body.globals)
    return Error::success();
  auto linked = engine_.session().link(std::move(body.globals));
  if (!linked)
    return linked.takeError();
  return engine_.versions().add_foreign(std::move(*linked)).takeError();
}

std::vector<const Version *> Redefiner::versions_that_rest_on(FunctionId body) const {
  std::vector<const Version *> found;
  for (FunctionId dependent : engine_.compiler().dependents(body))
    append_range(found, engine_.versions().versions_of(dependent, Tier::Optimized));
  return found;
}

/// The next calls compile anew, where they would enter a version that is out of use. Returns where they went.
std::vector<Redefiner::CallTarget> Redefiner::redirect_calls(FunctionId entry, ArrayRef<const Version *> invalid) {
  CallTargets &targets = engine_.targets();
  std::vector<CallTarget> before;
  auto redirect = [&](FunctionId function) {
    before.push_back({function, targets.of(function)});
    targets.set(function, 0);
  };
  redirect(entry);
  for (const Version *version : invalid)
    if (targets.enter(*version))
      redirect(targets.bodies().entry_of(version->object.function));
  return before;
}

void Redefiner::undo(FunctionId entry, FunctionId old, FunctionId fresh, ArrayRef<CallTarget> before) {
  engine_.compiler().make_current(old, fresh);
  engine_.targets().bodies().set_current(entry, old);
  for (const CallTarget &target : reverse(before))
    engine_.targets().set(target.function, target.pc);
}

/// An activation that executes in the code itself would make its next inlined call in the old body.
Expected<ReplaceOutcome> Redefiner::deoptimize(ArrayRef<const Version *> invalid) {
  Replacement what;
  for (const Version *version : invalid)
    what.objects.push_back(&version->object);
  return replacer_.carry_out(what, &Requests::replace_until_none_runs);
}

/// What cannot be moved ends in the old body.
void Redefiner::move_to_new_body(FunctionId old, Tier to, RedefineOutcome &outcome) {
  Replacement what;
  what.landing = to == Tier::Baseline ? Landing::InPlace : Landing::Continuation;
  what.only_mapped = true;
  for (const auto &retired : engine_.versions().retired())
    if (retired->object.function == old)
      what.objects.push_back(&retired->object);
  if (auto moved = replacer_.carry_out(what, &Requests::replace_until_none_runs))
    outcome.old_body = std::move(*moved);
  else
    ++engine_.statistics().requests.refused[toString(moved.takeError())];
}

} // namespace osr
