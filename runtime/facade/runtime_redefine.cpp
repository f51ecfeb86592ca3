// The part of the runtime that gives functions new bodies.
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/facade/runtime.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

Expected<RedefineOutcome> Runtime::redefine(StringRef name, MemoryBufferRef ir, const RedefineOptions &options) {
  if (!requests_)
    return make_error("'{}' cannot be redefined: no program is running", name.str());
  if (options_.freeing == Freeing::ResidenceCounting)
    return make_error("'{}' cannot be redefined: activations are counted, so no frame can be rewritten", name.str());
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  auto body = find_body(name);
  if (!body)
    return body.takeError();
  Because because(Cause::Redefinition);
  TracedRequest traced("redefine", name, options.to);
  auto outcome = redefine_locked(*body, ir, options);
  if (!outcome) {
    std::string reason = toString(traced.failed(outcome.takeError()));
    ++statistics_.requests.refused[reason];
    return make_error("'{}' is not redefined: {}", name.str(), reason);
  }
  traced.done(outcome->old_body);
  ++statistics_.redefined;
  const bool is_left = scan();
  lock.unlock();
  if (is_left)
    reclaim_loop_->notify();
  return outcome;
}

Expected<std::unique_ptr<MemoryBuffer>> Runtime::source_of(StringRef name) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  auto body = find_body(name);
  if (!body)
    return body.takeError();
  return compiler_->source_of(*body);
}

Expected<RedefineOutcome> Runtime::redefine_locked(FunctionId old, MemoryBufferRef ir, const RedefineOptions &options) {
  // 1. All that can be refused.
  auto body = compiler_->prepare_body(old, ir);
  if (!body)
    return body.takeError();
  if (Error error = check_symbols(*body->module, *session_, body->variables))
    return error;
  const SiteMap site_map = options.same_sites ? identity_map(program().functions[old].sites) : options.site_map;
  if (Error error = check_site_map(site_map, program().functions[old].sites, body->info.sites))
    return error;
  if (body->globals) {
    auto linked = session_->link(std::move(body->globals));
    if (!linked)
      return linked.takeError();
    if (Error error = versions_->add_foreign(std::move(*linked)))
      return error;
  }
  // 2. Calls mean the new body from here on, in old code too.
  const std::vector<const Version *> invalid = versions_that_rest_on(old);
  const FunctionId entry = bodies_.entry_of(old);
  const FunctionId fresh = compiler_->adopt_body(old, std::move(*body));
  bodies_.set_current(entry, fresh);
  const std::vector<CallTarget> before = redirect_calls(entry, invalid);
  // 3. No activation stays in code that rests on the old body.
  RedefineOutcome outcome;
  outcome.invalidated = invalid.size();
  auto deoptimized = deoptimize(invalid);
  if (!deoptimized) {
    undo_redefine(entry, old, fresh, before);
    return deoptimized.takeError();
  }
  outcome.dependents = std::move(*deoptimized);
  for (const Version *version : invalid)
    reclaimer_->retire(*version);
  // 4. Activations of the old body go on in the new one where the map says how. All others end where they are.
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    for (const Version *version : versions_->versions_of(old, tier))
      reclaimer_->retire(*version);
  if (!site_map.empty()) {
    stubs_->site_maps().add(old, program().functions[fresh].sites, site_map);
    if (auto moved = move_to_new_body(old, options.to))
      outcome.old_body = std::move(*moved);
    else
      ++statistics_.requests.refused[toString(moved.takeError())];
  }
  return outcome;
}

std::vector<const Version *> Runtime::versions_that_rest_on(FunctionId body) const {
  std::vector<const Version *> found;
  for (FunctionId dependent : compiler_->dependents(body))
    append_range(found, versions_->versions_of(dependent, Tier::Optimized));
  return found;
}

/// The next calls compile anew, where they would enter a version that is out of use. Returns where they went.
std::vector<Runtime::CallTarget> Runtime::redirect_calls(FunctionId entry, ArrayRef<const Version *> invalid) {
  std::vector<CallTarget> before;
  auto redirect = [&](FunctionId function) {
    before.push_back({function, entry_code_[function].load()});
    set_code_for_calls(function, 0);
  };
  redirect(entry);
  for (const Version *version : invalid) {
    const FunctionId function = bodies_.entry_of(version->object.function);
    if (entry_code_[function].load() == version->object.entry_pc)
      redirect(function);
  }
  return before;
}

void Runtime::undo_redefine(FunctionId entry, FunctionId old, FunctionId fresh, ArrayRef<CallTarget> before) {
  compiler_->make_current(old, fresh);
  bodies_.set_current(entry, old);
  for (const CallTarget &target : reverse(before))
    set_code_for_calls(target.function, target.pc);
}

/// An activation that executes in the code itself would make its next inlined call in the old body.
Expected<ReplaceOutcome> Runtime::deoptimize(ArrayRef<const Version *> invalid) {
  Replacement what;
  for (const Version *version : invalid)
    what.objects.push_back(&version->object);
  return carry_out(what, &Requests::replace_until_none_runs);
}

Expected<ReplaceOutcome> Runtime::move_to_new_body(FunctionId old, Tier to) {
  Replacement what;
  what.landing = to == Tier::Baseline ? Landing::InPlace : Landing::Continuation;
  what.only_mapped = true;
  for (const auto &retired : versions_->retired())
    if (retired->object.function == old)
      what.objects.push_back(&retired->object);
  return carry_out(what, &Requests::replace_until_none_runs);
}

/// A body that no code, no record and no map mentions any more takes memory for nothing.
void Runtime::drop_unused_bodies() {
  std::vector<FunctionId> unused;
  for (FunctionId body : bodies_.old())
    if (!versions_->mentions(body) && !stubs_->site_maps().lead_to(body))
      unused.push_back(body);
  for (FunctionId body : unused) {
    stubs_->site_maps().remove(body);
    versions_->forget_body(body);
    bodies_.forget(body);
    compiler_->drop_body(body);
  }
}

bool Runtime::scan() {
  const bool is_left = reclaimer_->scan();
  drop_unused_bodies();
  return is_left;
}

} // namespace osr
