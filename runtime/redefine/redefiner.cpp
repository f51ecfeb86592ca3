#include "runtime/redefine/redefiner.h"

#include "compiler/base/named_value.h"
#include "compiler/sites/same_shape.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SetVector.h>

using namespace llvm;

namespace osr {

Expected<RedefineOutcome> Redefiner::redefine(StringRef name, MemoryBufferRef ir, const RedefineOptions &options) {
  return change_body("redefine", name, options,
                     [&](FunctionId body) OSR_REQUIRES(engine_lock) { return redefine_locked(body, ir, options); });
}

Expected<RedefineOutcome> Redefiner::revert(StringRef name, const RedefineOptions &options) {
  if (options.find_site_map)
    read_originals(name.str());
  return change_body("revert", name, options,
                     [&](FunctionId body) OSR_REQUIRES(engine_lock) { return revert_locked(body, options); });
}

Error Redefiner::check_ready(StringRef name) const {
  if (!replacer_.is_started())
    return make_error(ErrorCode::WrongState, "'{}' cannot be redefined: no program is running", name.str());
  if (engine_.versions().counts_activations())
    return make_error("'{}' cannot be redefined: activations are counted, so no frame can be rewritten", name.str());
  return Error::success();
}

/// What all have in common: who may, and what is written down.
Expected<RedefineOutcome> Redefiner::change_body(const char *verb, StringRef name, const RedefineOptions &options,
                                                 Body change) {
  if (Error error = check_named(options.to, Tier::Optimized, "the tier"))
    return error;
  if (Error error = check_ready(name))
    return error;
  std::string problem = prepare_tables(options.find_site_map);
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  tables_problem_ = std::move(problem);
  auto body = engine_.find_body(name);
  if (!body)
    return body.takeError();
  Because because(Cause::Redefinition);
  TracedRequest traced(verb, name, options.to);
  auto outcome = change(*body);
  if (!outcome)
    return not_done(traced.failed(outcome.takeError()), name);
  traced.done(outcome->old_body);
  conclude(1);
  return outcome;
}

Error Redefiner::not_done(Error error, StringRef name) {
  const ErrorCode code = code_of(error);
  const std::string reason = toString(std::move(error));
  ++engine_.statistics().requests.refused[reason];
  return name == newest_patch ? make_error(code, "the newest patch is not taken back: {}", reason)
                              : make_error(code, "'{}' is not redefined: {}", name.str(), reason);
}

void Redefiner::conclude(std::size_t redefined) {
  engine_.statistics().redefined += redefined;
  forget_made();
  const Bodies &bodies = engine_.targets().bodies();
  std::erase_if(ages_, [&](const auto &age) {
    return !bodies.is_current(age.first) && !bodies.is_kept(age.first) && !bodies.old().contains(age.first);
  });
  if (replacer_.reclaimer().scan())
    replacer_.reclaim_soon();
}

Expected<std::unique_ptr<MemoryBuffer>> Redefiner::source_of(StringRef name) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  auto body = engine_.find_body(name);
  if (!body)
    return body.takeError();
  return engine_.compiler().source_of(*body);
}

Expected<RedefineOutcome> Redefiner::redefine_locked(FunctionId old, MemoryBufferRef ir,
                                                     const RedefineOptions &options) {
  RedefineOutcome outcome;
  auto exchange = adopt(old, ir, options, outcome);
  if (!exchange)
    return exchange.takeError();
  if (Error error = finish(*exchange, options.to, outcome))
    return error;
  if (options.keep_old_body)
    remember(exchange->entry, old);
  return outcome;
}

/// Its body becomes a part of the program, and calls mean it. The error says that nothing has changed.
Expected<Redefiner::Exchange> Redefiner::adopt(FunctionId old, MemoryBufferRef ir, const RedefineOptions &options,
                                               RedefineOutcome &outcome) {
  // 1. All that can be refused.
  auto choice = choose_body(old, ir, options, outcome);
  if (!choice)
    return choice.takeError();
  return adopt_choice(old, std::move(*choice), ir, options);
}

Expected<Redefiner::Exchange> Redefiner::adopt_choice(FunctionId old, Choice choice, MemoryBufferRef ir,
                                                      const RedefineOptions &options) {
  if (Error error = link_variables(choice.body))
    return error;
  choice.making.first_name = choice.body.first_name;
  const bool has_state = choice.body.has_state;
  // 2. Calls mean the new body from here on, in old code too.
  Exchange exchange;
  exchange.old = old;
  exchange.site_map = std::move(choice.site_map);
  exchange.refused = std::move(choice.refused);
  exchange.invalid = versions_that_rest_on(old);
  exchange.fresh = engine_.compiler().adopt_body(old, std::move(choice.body));
  ages_[exchange.fresh] = ++last_age_;
  made_.erase(exchange.fresh);
  if (options.find_site_map)
    made_[exchange.fresh] = {
        MemoryBuffer::getMemBufferCopy(ir.getBuffer()), std::move(choice.making), has_state, std::nullopt, {}};
  begin(exchange);
  return exchange;
}

Expected<Compiler::NewBody> Redefiner::prepare(FunctionId old, MemoryBufferRef ir, const Compiler::BodyMaking &making) {
  auto body = engine_.compiler().prepare_body(old, ir, making);
  if (!body)
    return body.takeError();
  if (Error error = check_symbols(*body->module, engine_.session(), body->variables))
    return error;
  return body;
}

/// How activations of the old body go on in the new one. Empty: they end where they are.
Expected<SiteMap> Redefiner::site_map_for(FunctionId old, const FunctionInfo &fresh, const Function &code,
                                          const RedefineOptions &options, RedefineOutcome &outcome) const {
  const std::vector<Site> &sites = engine_.compiler().numbered(old).sites();
  outcome.had_same_sites = options.same_sites_if_same_shape && have_same_shape(engine_.compiler().code_of(old), code);
  const SiteMap map = options.same_sites || outcome.had_same_sites ? identity_map(sites) : options.site_map;
  if (Error error = check_site_map(map, sites, fresh.sites()))
    return error;
  return map;
}

/// The program's IR calls the new body.
void Redefiner::begin(Exchange &exchange) {
  Bodies &bodies = engine_.targets().bodies();
  exchange.entry = bodies.entry_of(exchange.old);
  bodies.set_current(exchange.entry, exchange.fresh);
  exchange.calls_went = redirect_calls(exchange.entry, exchange.invalid);
}

/// All calls of these functions wait for the lock now. The error says that everything is as before.
Error Redefiner::finish(MutableArrayRef<Exchange> exchanges, Tier to, RedefineOutcome &outcome) {
  if (Error error = leave_invalid(exchanges, outcome)) {
    undo(exchanges);
    return error;
  }
  settle(exchanges, to, outcome);
  return Error::success();
}

/// 3. No activation stays in code that rests on an old body.
Error Redefiner::leave_invalid(ArrayRef<Exchange> exchanges, RedefineOutcome &outcome) {
  SetVector<const Version *> invalid;
  for (const Exchange &exchange : exchanges)
    invalid.insert_range(exchange.invalid);
  outcome.invalidated = invalid.size();
  auto deoptimized = deoptimize(invalid.getArrayRef());
  if (!deoptimized)
    return deoptimized.takeError();
  outcome.dependents = std::move(*deoptimized);
  return Error::success();
}

/// 4. Activations of the old bodies go on in the new ones where a map says how. All others end where they are.
void Redefiner::settle(ArrayRef<Exchange> exchanges, Tier to, RedefineOutcome &outcome) {
  SetVector<const Version *> unused;
  for (const Exchange &exchange : exchanges)
    unused.insert_range(exchange.invalid);
  for (const Exchange &exchange : exchanges)
    for (Tier tier : {Tier::Baseline, Tier::Optimized})
      unused.insert_range(engine_.versions().versions_of(exchange.old, tier));
  for (const Version *version : unused)
    replacer_.reclaimer().retire(*version);
  std::set<FunctionId> mapped;
  SiteMaps &maps = engine_.stubs().site_maps();
  for (const Exchange &exchange : exchanges) {
    maps.refuse(exchange.old, exchange.refused);
    if (!exchange.site_map.empty())
      maps.add(exchange.old, engine_.program().functions[exchange.fresh].sites(), exchange.site_map);
    if (!exchange.site_map.empty() || !exchange.refused.empty())
      mapped.insert(exchange.old);
    if (maps.keep_in(exchange.fresh, engine_.program().functions[exchange.fresh].sites())) // it was the body before
      mapped.insert({exchange.old, exchange.fresh});
  }
  if (!mapped.empty())
    move_to_new_bodies(mapped, to, outcome);
  for (const Exchange &exchange : exchanges)
    engine_.events().redefined(exchange.fresh, outcome.old_body.rewritten);
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
std::vector<Redefiner::CallTarget> Redefiner::redirect_calls(EntryId entry, ArrayRef<const Version *> invalid) {
  CallTargets &targets = engine_.targets();
  std::vector<CallTarget> before;
  auto redirect = [&](EntryId changed) OSR_REQUIRES(engine_lock) {
    before.push_back({changed, targets.of(changed)});
    targets.set(changed, 0);
  };
  redirect(entry);
  for (const Version *version : invalid)
    if (targets.enter(*version))
      redirect(targets.bodies().entry_of(version->object.function));
  return before;
}

void Redefiner::undo(ArrayRef<Exchange> exchanges) {
  for (const Exchange &exchange : reverse(exchanges)) {
    engine_.compiler().make_current(exchange.old, exchange.fresh);
    engine_.targets().bodies().set_current(exchange.entry, exchange.old);
    for (const CallTarget &target : reverse(exchange.calls_went))
      engine_.targets().set(target.entry, target.pc);
  }
}

/// An activation that executes in the code itself would make its next inlined call in the old body.
Expected<ReplaceOutcome> Redefiner::deoptimize(ArrayRef<const Version *> invalid) {
  Replacement what;
  for (const Version *version : invalid)
    what.objects.push_back(&version->object);
  return replacer_.carry_out(what, &Requests::replace_until_none_runs);
}

/// What cannot be moved ends in its old body.
void Redefiner::move_to_new_bodies(const std::set<FunctionId> &old, Tier to, RedefineOutcome &outcome) {
  Replacement what;
  what.landing = to == Tier::Baseline ? Landing::InPlace : Landing::Continuation;
  what.only_mapped = true;
  for (const auto &retired : engine_.versions().retired())
    if (old.contains(retired->object.function))
      what.objects.push_back(&retired->object);
  if (auto moved = replacer_.carry_out(what, &Requests::replace_until_none_runs))
    outcome.old_body = std::move(*moved);
  else
    ++engine_.statistics().requests.refused[toString(moved.takeError())];
}

} // namespace osr
