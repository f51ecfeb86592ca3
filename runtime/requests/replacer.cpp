#include "runtime/requests/replacer.h"

#include "compiler/base/check.h"
#include "compiler/base/named_value.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <thread>

using namespace llvm;

namespace osr {
namespace {

/// A child of vfork that waits for the engine's lock gets it in between, and is soon gone.
constexpr unsigned most_vfork_retries = 100;
constexpr std::chrono::milliseconds vfork_pause(1);

} // namespace

void Replacer::start() {
  Lock lock(engine_.mutex());
  polls_ = std::make_unique<LoopPolls>(engine_.threads());
  requests_ = std::make_unique<Requests>(engine_, *polls_);
  reclaimer_ = std::make_unique<Reclaimer>(engine_);
  is_started_.store(true, std::memory_order_release);
}

/// Each begins when it is first needed.
void Replacer::start_threads() {
  queue_ = std::make_unique<RequestQueue>();
  reclaim_loop_ = std::make_unique<ReclaimLoop>([this] { return reclaim(); });
}

void Replacer::stop() {
  Lock lock(engine_.mutex());
  auto queue = std::move(queue_); // a fork finds it whole, or not at all
  lock.unlock();
  queue.reset();
  if (reclaim_loop_)
    reclaim_loop_->end_by(WorkerThreads::Clock::time_point::max());
}

void Replacer::end_by(std::chrono::steady_clock::time_point when) {
  if (queue_)
    queue_->end_by(when);
  if (reclaim_loop_)
    reclaim_loop_->end_by(when);
}

void Replacer::before_fork() {
  if (queue_)
    queue_->before_fork();
}

void Replacer::after_fork(bool is_child) {
  if (queue_)
    queue_->after_fork(is_child);
}

void Replacer::forget_threads() {
  (void)queue_.release(); // they cannot be joined
  (void)reclaim_loop_.release();
  start_threads();
}

Expected<ReplaceOutcome> Replacer::replace(StringRef name, const ReplaceOptions &options) {
  EntryId entry{};
  {
    Undisturbed undisturbed;
    Lock lock(engine_.mutex());
    auto body = engine_.find_body(name);
    if (!body)
      return body.takeError();
    entry = engine_.targets().bodies().entry_of(*body);
  }
  return replace(entry, options);
}

Expected<ReplaceOutcome> Replacer::replace(EntryId entry, const ReplaceOptions &wanted, const Effort &effort) {
  ReplaceOptions options = wanted;
  if (options.only_thread) { // the others go on in what they have
    options.redirect_calls = false;
    options.old_code = OldCode::Keep;
  }
  auto outcome =
      options.frames == Frames::WaitQuiescent ? wait_quiescent(entry, options) : replace_now(entry, options, effort);
  Undisturbed undisturbed;
  const bool may_retry = is_started() && options.frames != Frames::WaitQuiescent;
  for (unsigned retry = 0; !outcome && may_retry && retry < most_vfork_retries && Handshake::has_just_met_vfork();
       ++retry) {
    consumeError(outcome.takeError());
    std::this_thread::sleep_for(vfork_pause);
    outcome = replace_now(entry, options, effort);
  }
  if (outcome && options.old_code == OldCode::Free && reclaim())
    reclaim_soon();
  return outcome;
}

std::shared_ptr<PendingRequest> Replacer::request(StringRef function, const ReplaceOptions &options) {
  Undisturbed undisturbed;
  return queue_->add([this, name = function.str(), options](const std::atomic<bool> &is_cancelled) {
    ReplaceOptions with_cancel = options;
    with_cancel.is_cancelled = &is_cancelled;
    return replace(name, with_cancel);
  });
}

/// The current body, if its activations may be replaced in this way.
Expected<FunctionId> Replacer::replaceable_body(EntryId entry, const ReplaceOptions &options) const {
  if (Error error = check_named(options.to, Tier::Optimized, "the tier"))
    return error;
  if (Error error = check_named(options.frames, Frames::WaitQuiescent, "what becomes of frames"))
    return error;
  if (Error error = check_named(options.old_code, OldCode::Keep, "what becomes of old code"))
    return error;
  const Bodies &bodies = engine_.targets().bodies();
  OSR_CHECK(index_of(entry) < bodies.entry_count(), "function {} of {}", index_of(entry), bodies.entry_count());
  const FunctionId body = bodies.current(entry);
  if (body == no_function)
    return make_error(ErrorCode::Unknown, "'{}' was removed", engine_.name_of(entry));
  const FunctionInfo &info = engine_.program().functions[body];
  if (info.pinned != PinReason::None && options.frames == Frames::Rewrite)
    return make_error("'{}' is never replaced because it {}", info.name, osr::to_string(info.pinned));
  if (engine_.versions().counts_activations() && options.frames == Frames::Rewrite)
    return make_error("'{}' is not replaced: its activations are counted, so they have to end in the old code; "
                      "ask for FinishOld or WaitQuiescent",
                      info.name);
  if (!is_started())
    return make_error(ErrorCode::WrongState, "'{}' cannot be replaced: no program is running", info.name);
  if (options.only_thread && (options.frames != Frames::Rewrite || options.recompile))
    return make_error(ErrorCode::Invalid,
                      "'{}' is not replaced: in one thread only, activations can be rewritten and nothing else",
                      info.name);
  if (options.only_thread && !has_thread(*options.only_thread))
    return make_error(ErrorCode::Unknown, "'{}' is not replaced: there is no thread {} of the program", info.name,
                      *options.only_thread);
  if (options.only_thread && engine_.redirector().concerns_sites())
    return make_error("'{}' is not replaced: where the code at return PCs is patched, that concerns all threads",
                      info.name);
  return info.id;
}

bool Replacer::has_thread(pid_t tid) const {
  Lock lock(engine_.threads().mutex());
  return any_of(engine_.threads().threads(), [tid](const auto &thread) { return thread->tid == tid; });
}

Error Replacer::not_replaced(FunctionId body, Error error) const {
  return prefixed(fmt::format("'{}' is not replaced: ", engine_.program().functions[body].name), std::move(error));
}

/// Versions that are of another tier, or are made anew.
std::vector<const Version *> Replacer::replaced_by(FunctionId body, const ReplaceOptions &options) const {
  std::vector<const Version *> old;
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    if (tier != options.to || options.recompile)
      append_range(old, engine_.versions().versions_of(body, tier));
  return old;
}

/// Makes what calls to come enter, null if they go where they went.
Expected<const Version *> Replacer::prepare(FunctionId body, const ReplaceOptions &options) {
  VersionStore &versions = engine_.versions();
  const VersionKey key{body, options.to, std::nullopt};
  if (!options.recompile && !options.redirect_calls)
    return nullptr;
  if (!options.recompile)
    return engine_.maker().find_or_compile(key);
  if (!options.redirect_calls)
    return make_error("a version that calls still enter cannot be made again: redirect_calls has to be on");
  auto fresh = engine_.maker().compile_apart(key);
  if (!fresh)
    return fresh.takeError();
  engine_.targets().set(engine_.targets().bodies().entry_of(body), (*fresh)->object.entry_pc);
  for (const Version *version : versions.versions_of(body, options.to))
    reclaimer_->retire(*version); // else stubs that are made for this request would lead there
  return versions.adopt(std::move(*fresh));
}

Expected<ReplaceOutcome> Replacer::replace_now(EntryId entry, const ReplaceOptions &options, const Effort &effort) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  auto body = replaceable_body(entry, options);
  if (!body)
    return body.takeError();
  TracedRequest traced("replace", engine_.program().functions[*body].name, options.to);
  const std::vector<const Version *> old = replaced_by(*body, options);
  auto version = prepare(*body, options);
  if (!version)
    return traced.failed(not_replaced(*body, version.takeError()));
  CallTargets &targets = engine_.targets();
  const std::uint64_t calls_before = targets.of(entry);
  if (options.redirect_calls)
    targets.set(entry, (*version)->object.entry_pc);
  ReplaceOutcome outcome;
  if (options.frames == Frames::Rewrite) {
    auto done = rewrite(*body, options, effort, old);
    if (!done) {
      if (!options.recompile)
        targets.set(entry, calls_before);
      return traced.failed(not_replaced(*body, done.takeError()));
    }
    outcome = std::move(*done);
  }
  if (Error error = targets.bind(engine_.handshake())) { // only if no frame was to be rewritten: that stop did it
    targets.set(entry, calls_before);
    return traced.failed(not_replaced(*body, std::move(error)));
  }
  traced.done(outcome);
  if (targets.of(entry) != calls_before || outcome.rewritten != 0)
    engine_.events().tier_changed(*body, options.to, outcome.rewritten);
  if (options.old_code == OldCode::Free)
    reclaimer_->retire_left(old);
  return outcome;
}

Expected<ReplaceOutcome> Replacer::rewrite(FunctionId body, const ReplaceOptions &options, const Effort &effort,
                                           ArrayRef<const Version *> old) {
  const VersionStore &versions = engine_.versions();
  Replacement what;
  what.landing = options.to == Tier::Baseline ? Landing::InPlace : Landing::Continuation;
  what.effort = effort;
  what.effort.is_cancelled = options.is_cancelled;
  what.only_thread = options.only_thread;
  for (const Version *replaced : old)
    what.objects.push_back(&replaced->object);
  for (const auto &retired : versions.retired())
    if (retired->object.function == body)
      what.objects.push_back(&retired->object);
  append_range(options.to == Tier::Baseline ? what.sites : what.sites_that_stay, versions.inlined_at(body));
  for (const Version *kept : versions.versions_of(body, options.to))
    what.stays.push_back(&kept->object);
  auto outcome = carry_out(what, !options.may_wait        ? &Requests::replace_at_once
                                 : options.redirect_calls ? &Requests::replace_until_none_runs
                                                          : &Requests::replace);
  Statistics::Requests &counts = engine_.statistics().requests;
  if (!effort.missing || effort.missing->empty()) // else this is a part of one
    ++counts.count;
  if (outcome)
    return outcome;
  Error error = outcome.takeError();
  const ErrorCode code = code_of(error);
  const std::string reason = toString(std::move(error));
  ++counts.refused[reason];
  return make_error(code, "{}", reason);
}

/// What cannot come along now follows later.
Expected<ReplaceOutcome> Replacer::carry_out(const Replacement &what, Way way) {
  if (!what.only_thread)
    follow_ups_.forget(what);
  auto outcome = (*requests_.*way)(what);
  if (!outcome)
    return outcome;
  count(*outcome);
  if (what.only_thread) // who makes it again would not know of the thread
    return outcome;
  follow_ups_.remember(what, *outcome);
  if (follow_ups_.are_due())
    reclaim_soon();
  return outcome;
}

void Replacer::follow_up() {
  Because because(Cause::FollowUp);
  follow_ups_.follow(engine_.versions(), [this](const Replacement &what) OSR_REQUIRES(engine_lock) {
    auto outcome = requests_->replace_at_once(what);
    if (outcome) {
      count(*outcome);
      engine_.statistics().requests.followed += outcome->rewritten;
    }
    return outcome;
  });
}

void Replacer::on_exception_landed(std::uint64_t pc) {
  const auto found = engine_.stub_table().find(pc);
  if (!found || !static_cast<const ReturnStub *>(found->handle)->lands_in_old)
    return;
  std::atomic_ref(engine_.statistics().exceptions.landed_in_old).fetch_add(1, std::memory_order_relaxed);
  follow_ups_.on_landing();
  Undisturbed undisturbed;
  reclaim_soon();
}

void Replacer::count(const ReplaceOutcome &outcome) {
  Statistics::Requests &requests = engine_.statistics().requests;
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
  engine_.statistics().frames_rewritten += outcome.rewritten;
}

bool Replacer::reclaim() {
  if (!is_started())
    return false;
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  follow_up();
  return reclaimer_->scan() || follow_ups_.are_due();
}

void Replacer::reclaim_soon() { reclaim_loop_->notify(); }

} // namespace osr
