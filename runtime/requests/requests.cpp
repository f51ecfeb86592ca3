#include "runtime/requests/requests.h"

#include "compiler/base/error.h"
#include "runtime/engine/look_at_stacks.h"
#include "runtime/requests/request_search.h"
#include "runtime/threads/stopped_walk.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/ScopeExit.h>

#include <sched.h>
#include <thread>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_activations = 1024; ///< the lists grow when there are more
constexpr unsigned most_compile_rounds = 100; ///< each stop may find sites that the one before did not see
/// How long threads are waited for that should come to a poll. A loop gets there in nanoseconds; a thread that has to
/// share its core may need some milliseconds. In between one looks whether they are still in the function.
constexpr std::chrono::milliseconds poll_patience[] = {std::chrono::milliseconds(1), std::chrono::milliseconds(4),
                                                       std::chrono::milliseconds(16)};
/// A continuation takes milliseconds to compile, and an activation that goes round in a loop is elsewhere by then. It is
/// likely to come back to where it was found, rather than to need one more.
constexpr unsigned most_returns_waited_for = 32;
constexpr std::chrono::microseconds return_patience(500);
constexpr unsigned most_repetitions = 100; ///< for activations that were executing in the code itself
constexpr unsigned most_asking = 3; ///< of these, with poll_patience
constexpr const char *no_map_refusal = "the site map says nothing about this site";
constexpr const char *pending_refusal = "another transition of this frame has to come first";

using Clock = std::chrono::steady_clock;

} // namespace

/// What is known about the site of a frame; recursions ask for the same one again and again.
void Requests::look_up(const Frame &frame, RequestSearch &search) const {
  if (search.last.code == frame.code && search.last.return_pc == frame.pc)
    return;
  const ReturnStub *stub = stubs_.find(*frame.code, frame.pc, search.what.landing);
  const bool is_refused = search.skipped.contains(site_key(*frame.code, frame.pc)) ||
                          (!stub && stubs_.find_refusal(*frame.code, frame.pc, search.what.landing));
  search.last = {frame.code, frame.pc};
  search.last_known = {stub, is_refused};
}

void Requests::consider(const Frame &frame, const ProgramThread &thread, RequestSearch &search) const {
  const ReturnStub *pending = nullptr;
  // A stub that was interrupted leads where it leads, however activations get to it.
  if (const std::uint64_t stub_pc = frame.kind == PcKind::Exact ? frame.stub_pc : redirector_.stub_of(frame)) {
    pending = static_cast<const ReturnStub *>(table_.find(stub_pc)->handle);
    if (!search.concerns(*pending)) {
      search.already += search.concerns(frame);
      return;
    }
  } else if (!search.concerns(frame)) {
    return;
  }
  if (frame.kind == PcKind::Exact) {
    ++search.running;
    return;
  }
  if (!frame.is_site) {
    ++search.no_record;
    return;
  }
  if (pending && redirector_.concerns_sites() && search.stays(frame.pc, frame.code)) {
    ++search.released; // by commit(): it need not leave its code at all
    return;
  }
  look_up(frame, search);
  const auto [stub, is_refused] = search.last_known;
  if (is_refused)
    search.push(search.refused, {frame.code, frame.pc});
  else if (!stub)
    search.push(search.missing, {frame.code, frame.pc});
  else if (stub == pending) // leads to the new code inside and to the old one outside: the outer frame comes later
    ++search.pending;
  else if (pending && !pending->lands_in_old && stub->lands_in_old &&
           (frame.code->state() != CodeState::InUse || frame.code->uses_references))
    ++search.pending; // the code of that frame may be freed, or objects have moved: no exception may land there
  else if (frame.cfa + std::int64_t(stub->lowest_offset) < thread.stack_low)
    ++search.no_room;
  else
    search.push(search.found, {frame, stub->entry_pc});
}

void Requests::visit(const ProgramThread &thread, RulesFinder &rules, RequestSearch &search) const {
  bool is_newest = true;
  const WalkStatus status = walk_stopped(thread, rules, [&](const Frame &frame) {
    consider(frame, thread, search);
    // In the function itself, or in a call that is no site, such as of memcpy.
    bool is_between_sites = (frame.kind == PcKind::Exact && !frame.stub_pc) || (is_newest && !frame.is_site);
    if (is_between_sites && search.concerns(frame) && frame.code->has_loop_sites && !thread.is_suspended)
      search.push(search.at_loops, &thread);
    is_newest = is_newest && !frame.code;
  });
  if (status != WalkStatus::ReachedBase) {
    search.failure = status;
    search.failed_thread = thread.tid;
  }
}

/// One stop: walks all stacks, and if nothing is missing asks threads to come to their polls, or rewrites what was found
/// when there is nobody to ask. Returns how long threads waited.
Expected<double> Requests::search_and_commit(RequestSearch &search) {
  search.reset();
  double pause = 0;
  Error error = handshake_.with_stopped([&](StoppedThreads threads) {
    Clock::time_point begin = Clock::now();
    RulesFinder rules(lookup_, table_);
    for (const auto &thread : threads)
      if (search.failure == WalkStatus::ReachedBase && thread->tid == search.what.only_thread.value_or(thread->tid))
        visit(*thread, rules, search);
    if (search.is_to_ask()) {
      for (const ProgramThread *thread : search.at_loops)
        polls_.ask(*thread);
      search.asked = true;
    } else if (search.is_complete()) {
      commit(search);
    }
    pause = std::chrono::duration<double>(Clock::now() - begin).count();
  });
  return error ? Expected<double>(std::move(error)) : pause;
}

/// All threads are stopped.
void Requests::commit(const RequestSearch &search) {
  redirector_.release([&](std::uint64_t return_pc, std::uint64_t stub_pc) {
    const auto &stub = *static_cast<const ReturnStub *>(table_.find(stub_pc)->handle);
    return stub.may_be_released() &&
           (search.concerns(stub) || search.stays(return_pc, lookup_.find_code(return_pc - 1).object));
  });
  for (const RequestSearch::Found &found : search.found) {
    stubs_.note_cause(found.stub_pc);
    redirector_.redirect(found.frame, found.stub_pc);
  }
  redirector_.finish();
  if (calls_)
    calls_->update();
}

/// What make_stubs() would compile. The threads run meanwhile.
std::vector<VersionKey> Requests::missing_continuations(const RequestSearch &search) const {
  std::vector<VersionKey> missing;
  if (search.what.landing != Landing::Continuation)
    return missing;
  ContinuationBudget budget =
      search.what.effort.budget ? *search.what.effort.budget : ContinuationBudget(); // make_stubs() spends
  for (const RequestSearch::Place &place : search.missing) {
    const SiteId site = place.code->sites.find(place.code->offset_of(place.return_pc))->frames.back().site;
    const VersionKey key{site.function, Tier::Optimized, site.index};
    if (!stubs_.versions().is_known(key) && !is_contained(missing, key) &&
        (!search.what.effort.budget || budget.spend(stubs_.program().functions[site.function])))
      missing.push_back(key);
  }
  return missing;
}

/// The threads run meanwhile.
void Requests::make_stubs(RequestSearch &search) {
  const Replacement &what = search.what;
  for (const RequestSearch::Place &place : search.missing) {
    if (stubs_.is_known(*place.code, place.return_pc, what.landing))
      continue; // several activations of one site
    const SiteKey key = site_key(*place.code, place.return_pc);
    const SiteRecord record = *place.code->sites.find(place.code->offset_of(place.return_pc));
    const FunctionId innermost = record.frames.back().site.function;
    if (what.only_mapped && !stubs_.is_mapped(record)) {
      const std::string reason = stubs_.why_not_mapped(record);
      search.skipped[key] = reason.empty() ? no_map_refusal : reason;
    } else if (what.effort.budget && what.landing == Landing::Continuation &&
               !what.effort.budget->spend(stubs_.program().functions[innermost]))
      search.skipped[key] = ContinuationBudget::refusal;
    else if (auto stub = stubs_.find_or_make(*place.code, place.return_pc, what.landing); !stub)
      consumeError(stub.takeError()); // remembered
  }
}

std::uint64_t Requests::count_at_polls(const RequestSearch &search) const {
  return count_if(search.found, [&](const RequestSearch::Found &found) {
    const CodeObject &code = *found.frame.code;
    return stubs_.versions().is_at_poll(*code.sites.find(code.offset_of(found.frame.pc)));
  });
}

ReplaceOutcome Requests::report(const RequestSearch &search) const {
  ReplaceOutcome outcome;
  outcome.rewritten = search.found.size() + search.released;
  outcome.at_polls = count_at_polls(search);
  outcome.may_land_in_old = std::uint64_t(count_if(search.found, [&](const RequestSearch::Found &found) {
    return static_cast<const ReturnStub *>(table_.find(found.stub_pc)->handle)->lands_in_old;
  }));
  outcome.already = search.already;
  outcome.running = search.running;
  for (const RequestSearch::Place &place : search.refused) {
    auto skipped = search.skipped.find(site_key(*place.code, place.return_pc));
    ++outcome.refused[skipped != search.skipped.end()
                          ? skipped->second
                          : *stubs_.find_refusal(*place.code, place.return_pc, search.what.landing)];
  }
  if (search.no_room)
    outcome.refused[no_room_refusal] = search.no_room;
  if (search.no_record)
    outcome.refused[no_record_refusal] = search.no_record;
  if (search.pending)
    outcome.refused[pending_refusal] = search.pending;
  return outcome;
}

Expected<ReplaceOutcome> Requests::replace_once(const Replacement &what, bool may_ask) {
  RequestSearch search(what, redirector_);
  search.may_ask = may_ask;
  if (Error error = search.reserve(usual_activations))
    return error;
  Attempts attempts;
  scope_exit release([&] { polls_.release(); });
  for (bool is_done = false; !is_done;) {
    auto attempted = attempt(search, attempts);
    if (!attempted)
      return attempted.takeError();
    is_done = *attempted;
  }
  attempts.longest_poll = std::max(attempts.longest_poll, polls_.release());
  ReplaceOutcome outcome = search.is_complete() ? report(search) : ReplaceOutcome();
  outcome.stops = attempts.stops;
  outcome.pause_seconds = attempts.longest_pause;
  outcome.poll_seconds = attempts.longest_poll;
  return outcome;
}

/// One stop, and what has to be done before the next one. True: there need be none.
Expected<bool> Requests::attempt(RequestSearch &search, Attempts &attempts) {
  if (const auto *is_cancelled = search.what.effort.is_cancelled; is_cancelled && is_cancelled->load())
    return make_error("the request was cancelled");
  auto pause = search_and_commit(search);
  if (!pause)
    return pause.takeError();
  ++attempts.stops;
  attempts.longest_pause = std::max(attempts.longest_pause, *pause);
  if (search.is_complete()) {
    if (!search.asked)
      return true;
    attempts.unanswered += !polls_.wait(poll_patience[attempts.unanswered]);
    search.may_ask = attempts.unanswered < std::size(poll_patience) && ++attempts.rounds <= most_compile_rounds;
    return false;
  }
  if (search.failure != WalkStatus::ReachedBase) {
    if (++attempts.retries > most_walk_retries)
      return make_error("the stack of thread {} cannot be walked: {}", search.failed_thread, describe(search.failure));
    let_threads_run(attempts.retries);
    return false;
  }
  if (search.is_full) {
    if (Error error = search.reserve(search.found.capacity() * 4))
      return error;
    return false;
  }
  if (++attempts.rounds > most_compile_rounds)
    return make_error("the threads reach new sites faster than stubs can be made for them");
  return make_ways(search, attempts);
}

/// For sites that have no stub yet. True: the request ends instead.
bool Requests::make_ways(RequestSearch &search, Attempts &attempts) {
  const Effort &effort = search.what.effort;
  const std::vector<VersionKey> missing = missing_continuations(search);
  if (!missing.empty() && effort.spares_compiling && ++attempts.waited <= most_returns_waited_for) {
    polls_.release();
    std::this_thread::sleep_for(return_patience);
    return false;
  }
  if (!missing.empty() && effort.missing) {
    *effort.missing = missing;
    return true;
  }
  attempts.longest_poll = std::max(attempts.longest_poll, polls_.release()); // nobody waits for a compiler
  make_stubs(search);
  return false;
}

Expected<ReplaceOutcome> Requests::replace(const Replacement &what) { return replace_once(what, /*may_ask=*/true); }

Expected<ReplaceOutcome> Requests::replace_until_none_runs(const Replacement &what) {
  auto total = replace(what);
  for (unsigned round = 1; total && total->running != 0 && round < most_repetitions; ++round) {
    sched_yield();
    auto outcome = replace_once(what, round < most_asking);
    if (!outcome) { // what has been done is done
      consumeError(outcome.takeError());
      break;
    }
    outcome->add(*total);
    outcome->already = total->already; // else also what the rounds before have done
    total = std::move(outcome);
  }
  return total;
}

} // namespace osr
