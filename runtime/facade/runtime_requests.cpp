// The part of the runtime that other threads may call at any time: requests, statistics.
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/facade/runtime.h"
#include "runtime/stack/registry_lookup.h"
#include "runtime/threads/stopped_walk.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/tiering/tier_up.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::seconds snapshot_patience(3);
constexpr std::chrono::microseconds first_wait(200), longest_wait(20'000); ///< between looks at the stacks
constexpr std::size_t most_active = 256;
constexpr unsigned most_frames_looked_at = 4096; ///< of each thread

} // namespace

Expected<ReplaceOutcome> Runtime::replace(StringRef name, const ReplaceOptions &options) {
  Undisturbed undisturbed;
  std::unique_lock lock(mutex_);
  auto body = find_body(name);
  if (!body)
    return body.takeError();
  const FunctionId entry = bodies_.entry_of(*body);
  lock.unlock();
  return replace(entry, options);
}

Expected<ReplaceOutcome> Runtime::replace(FunctionId entry, const ReplaceOptions &options) {
  OSR_CHECK(entry < bodies_.entry_count(), "function {} of {}", entry, bodies_.entry_count());
  auto outcome =
      options.frames == Frames::WaitQuiescent ? wait_quiescent(entry, options) : replace_locked(entry, options);
  Undisturbed undisturbed;
  if (outcome && options.old_code == OldCode::Free && reclaim())
    reclaim_loop_->notify();
  return outcome;
}

/// The current body of the function of that name. With the lock held.
Expected<FunctionId> Runtime::find_body(StringRef name) const {
  if (const FunctionInfo *function = program().find_function(name))
    return function->id;
  return make_error("there is no function '{}'; 'osrctl sites' lists them", name.str());
}

/// The current body, if its activations may be replaced in this way. With the lock held.
Expected<FunctionId> Runtime::replaceable_body(FunctionId entry, const ReplaceOptions &options) const {
  const FunctionInfo &info = program().functions[bodies_.current(entry)];
  if (info.pinned != PinReason::None && options.frames == Frames::Rewrite)
    return make_error("'{}' is never replaced because it {}", info.name, osr::to_string(info.pinned));
  if (options_.freeing == Freeing::ResidenceCounting && options.frames == Frames::Rewrite)
    return make_error("'{}' is not replaced: its activations are counted, so they have to end in the old code; "
                      "ask for FinishOld or WaitQuiescent",
                      info.name);
  if (!requests_)
    return make_error("'{}' cannot be replaced: no program is running", info.name);
  return info.id;
}

Error Runtime::not_replaced(FunctionId body, Error error) const {
  return make_error("'{}' is not replaced: {}", program().functions[body].name, toString(std::move(error)));
}

std::shared_ptr<PendingRequest> Runtime::request(StringRef function, const ReplaceOptions &options) {
  Undisturbed undisturbed;
  return queue_->add([this, name = function.str(), options](const std::atomic<bool> &is_cancelled) {
    ReplaceOptions with_cancel = options;
    with_cancel.is_cancelled = &is_cancelled;
    return replace(name, with_cancel);
  });
}

/// Finds what is to be replaced and makes what calls to come enter, null if they go where they went. With the lock held.
Expected<const Version *> Runtime::prepare(FunctionId body, const ReplaceOptions &options,
                                           std::vector<const Version *> &old) {
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    if (tier != options.to || options.recompile)
      append_range(old, versions_->versions_of(body, tier));
  const VersionKey key{body, options.to, std::nullopt};
  if (!options.recompile && !options.redirect_calls)
    return nullptr;
  if (!options.recompile)
    return versions_->find_or_compile(key);
  if (!options.redirect_calls)
    return make_error("a version that calls still enter cannot be made again: redirect_calls has to be on");
  auto fresh = versions_->compile_apart(key);
  if (!fresh)
    return fresh.takeError();
  set_code_for_calls(bodies_.entry_of(body), (*fresh)->object.entry_pc);
  for (const Version *version : versions_->versions_of(body, options.to))
    reclaimer_->retire(*version); // else stubs that are made for this request would lead there
  return versions_->adopt(std::move(*fresh));
}

Expected<ReplaceOutcome> Runtime::replace_locked(FunctionId entry, const ReplaceOptions &options) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  auto body = replaceable_body(entry, options);
  if (!body)
    return body.takeError();
  TracedRequest traced("replace", program().functions[*body].name, options.to);
  std::vector<const Version *> old;
  auto version = prepare(*body, options, old);
  if (!version)
    return traced.failed(not_replaced(*body, version.takeError()));
  const std::uint64_t calls_before = entry_code_[entry].load();
  if (options.redirect_calls)
    set_code_for_calls(entry, (*version)->object.entry_pc);
  ReplaceOutcome outcome;
  if (options.frames == Frames::Rewrite) {
    auto done = rewrite(*body, options, old);
    if (!done) {
      if (!options.recompile)
        set_code_for_calls(entry, calls_before);
      return traced.failed(not_replaced(*body, done.takeError()));
    }
    outcome = std::move(*done);
  }
  if (Error error = bind_direct_calls()) { // only if no frame was to be rewritten: that stop did it
    set_code_for_calls(entry, calls_before);
    return traced.failed(not_replaced(*body, std::move(error)));
  }
  traced.done(outcome);
  if (options.old_code == OldCode::Free)
    retire(old, entry);
  return outcome;
}

Expected<ReplaceOutcome> Runtime::rewrite(FunctionId body, const ReplaceOptions &options,
                                          ArrayRef<const Version *> old) {
  Replacement what;
  what.landing = options.to == Tier::Baseline ? Landing::InPlace : Landing::Continuation;
  what.spares_compiling = options.spares_compiling;
  what.missing = options.missing;
  what.budget = options.budget;
  what.is_cancelled = options.is_cancelled;
  for (const Version *replaced : old)
    what.objects.push_back(&replaced->object);
  for (const auto &retired : versions_->retired())
    if (retired->object.function == body)
      what.objects.push_back(&retired->object);
  append_range(options.to == Tier::Baseline ? what.sites : what.sites_that_stay, versions_->inlined_at(body));
  for (const Version *kept : versions_->versions_of(body, options.to))
    what.stays.push_back(&kept->object);
  auto outcome = carry_out(what, !options.may_wait        ? &Requests::replace_at_once
                                 : options.redirect_calls ? &Requests::replace_until_none_runs
                                                          : &Requests::replace);
  if (!options.missing || options.missing->empty()) // else this is a part of one
    ++statistics_.requests.count;
  if (outcome)
    return outcome;
  std::string reason = toString(outcome.takeError());
  ++statistics_.requests.refused[reason];
  return make_error("{}", reason);
}

/// What cannot come along now follows later.
Expected<ReplaceOutcome> Runtime::carry_out(const Replacement &what, RequestKind kind) {
  follow_ups_.forget(what);
  auto outcome = (*requests_.*kind)(what);
  if (!outcome)
    return outcome;
  count(*outcome);
  follow_ups_.remember(what, *outcome);
  if (follow_ups_.are_due())
    reclaim_loop_->notify();
  return outcome;
}

void Runtime::follow_up() {
  Because because(Cause::FollowUp);
  follow_ups_.follow(*versions_, [this](const Replacement &what) {
    auto outcome = requests_->replace_at_once(what);
    if (outcome) {
      count(*outcome);
      statistics_.requests.followed += outcome->rewritten;
    }
    return outcome;
  });
}

/// In a thread of the program that unwinds: neither the runtime's lock nor one that a stopped thread may hold is taken.
/// Patched return points are not stubs: what lands there leaves when it next returns to a patched one.
void Runtime::on_exception_landed(std::uint64_t pc) {
  if (!running_)
    return;
  const auto found = running_->stub_table_->find(pc);
  if (!found || !static_cast<const ReturnStub *>(found->handle)->lands_in_old)
    return;
  std::atomic_ref(running_->statistics_.exceptions.landed_in_old).fetch_add(1, std::memory_order_relaxed);
  running_->follow_ups_.on_landing();
  Undisturbed undisturbed;
  running_->reclaim_loop_->notify();
}

/// Threads run and may need the lock while this one waits.
Expected<ReplaceOutcome> Runtime::wait_quiescent(FunctionId entry, const ReplaceOptions &options) {
  ReplaceOutcome outcome;
  std::vector<CodeObjectId> ids; // other requests may free some of them meanwhile
  std::uint64_t calls_before = 0;
  auto wait = first_wait;
  std::optional<TracedRequest> traced;
  for (bool is_first = true;; is_first = false) {
    Undisturbed undisturbed;
    std::unique_lock lock = lock_after_waiting(mutex_);
    auto body = replaceable_body(entry, options);
    if (!body)
      return body.takeError();
    if (is_first) {
      traced.emplace("replace", program().functions[*body].name, options.to);
      std::vector<const Version *> old;
      auto version = prepare(*body, options, old);
      if (!version)
        return not_replaced(*body, version.takeError());
      for (const Version *replaced : old)
        ids.push_back(replaced->object.id);
      calls_before = entry_code_[entry].load();
      if (options.redirect_calls)
        set_code_for_calls(entry, (*version)->object.entry_pc);
      if (Error error = bind_direct_calls()) {
        set_code_for_calls(entry, calls_before);
        return not_replaced(*body, std::move(error));
      }
    }
    ++outcome.stops;
    const std::vector<const Version *> old = versions_->find(ids);
    if (reclaimer_->is_quiescent(old)) {
      if (options.old_code == OldCode::Free)
        retire(old, entry);
      traced->done(outcome);
      return outcome;
    }
    if (options.is_cancelled && options.is_cancelled->load()) {
      const bool is_left = any_of(old, [&](const Version *version) {
        return version->object.state() == CodeState::InUse && version->object.entry_pc == calls_before;
      });
      set_code_for_calls(entry, is_left ? calls_before : 0);
      consumeError(bind_direct_calls()); // else at the next stop
      return not_replaced(*body, make_error("the request was cancelled while activations of the old code were left"));
    }
    lock.unlock();
    std::this_thread::sleep_for(wait);
    wait = std::min(wait * 2, longest_wait);
  }
}

/// Calls still enter one of them if they were not redirected.
void Runtime::retire(ArrayRef<const Version *> versions, FunctionId function) {
  for (const Version *version : versions)
    if (version->object.state() == CodeState::InUse && entry_code_[function].load() != version->object.entry_pc)
      reclaimer_->retire(*version);
}

void Runtime::count(const ReplaceOutcome &outcome) {
  Statistics::Requests &requests = statistics_.requests;
  std::uint64_t refused = 0;
  for (const auto &[reason, activations] : outcome.refused)
    refused += activations;
  requests.met += outcome.rewritten + outcome.already + outcome.running + refused != 0;
  requests.rewritten += outcome.rewritten;
  requests.at_polls += outcome.at_polls;
  requests.already += outcome.already;
  requests.running += outcome.running;
  requests.stops += outcome.stops;
  requests.longest_pause = std::max(requests.longest_pause, outcome.pause_seconds);
  requests.longest_poll = std::max(requests.longest_poll, outcome.poll_seconds);
  for (const auto &[reason, activations] : outcome.refused)
    requests.refused[reason] += activations;
  statistics_.frames_rewritten += outcome.rewritten;
}

bool Runtime::reclaim() {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  follow_up();
  return scan() || follow_ups_.are_due();
}

std::uint64_t Runtime::address_of(StringRef name) {
  Undisturbed undisturbed;
  std::lock_guard lock(mutex_);
  const FunctionInfo *function = program().find_function(name);
  return function ? entries_->entry_address(bodies_.entry_of(function->id)) : 0;
}

Error Runtime::with_stopped(function_ref<void(ArrayRef<std::unique_ptr<ProgramThread>>)> work) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  return handshake_ ? handshake_->with_stopped(work) : make_error("no program is running");
}

std::vector<FunctionId> Runtime::active_functions() {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(mutex_);
  std::vector<FunctionId> found; // of bodies
  if (!handshake_)
    return found;
  found.reserve(most_active);
  const RegistryLookup lookup(*registry_, entries_.get());
  consumeError(handshake_->with_stopped([&](ArrayRef<std::unique_ptr<ProgramThread>> threads) {
    RulesFinder rules(lookup, *stub_table_);
    for (const auto &thread : threads) {
      unsigned frames = 0;
      walk_stopped_while(*thread, rules, [&](const Frame &frame) {
        if (frame.code && frame.code->function != no_function && found.size() < most_active &&
            !is_contained(found, frame.code->function))
          found.push_back(frame.code->function);
        return ++frames < most_frames_looked_at;
      });
    }
  }));
  for (FunctionId &function : found)
    function = bodies_.entry_of(function);
  return found;
}

std::optional<Statistics> Runtime::snapshot() {
  Undisturbed undisturbed;
  std::unique_lock lock(mutex_, std::defer_lock);
  if (!lock.try_lock_for(snapshot_patience))
    return std::nullopt;
  Statistics result = statistics_;
  if (direct_calls_)
    result.calls = {direct_calls_->sites().size(), direct_calls_->sites().bound(), direct_calls_->sites().rewritten(),
                    direct_calls_->stops()};
  result.exceptions.unwound = fde_finder_->stubs_found();
  result.most_threads = threads_.most_at_once();
  result.mappings = count_mappings();
  if (tier_up_)
    result.tier_up = tier_up_->statistics();
  if (return_points_)
    result.return_points = {return_points_->size(), return_points_->patches(), return_points_->restored()};
  return result;
}

} // namespace osr
