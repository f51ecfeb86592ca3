#include "runtime/requests/requests.h"

#include "compiler/base/error_code.h"
#include "runtime/engine/look_at_stacks.h"
#include "runtime/requests/request_search.h"

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

} // namespace

/// What make_stubs() would compile. The threads run meanwhile.
std::vector<VersionKey> Requests::missing_continuations(const RequestSearch &search) const {
  std::vector<VersionKey> missing;
  ContinuationBudget budget =
      search.what.effort.budget ? *search.what.effort.budget : ContinuationBudget(); // make_stubs() spends
  for (const RequestSearch::Place &place : search.missing) {
    const auto key = stubs_.continuation_for(*place.code, place.return_pc, search.what.landing);
    if (key && !stubs_.versions().is_known(*key) && !is_contained(missing, *key) &&
        (!search.what.effort.budget || budget.spend(stubs_.program().functions[key->function])))
      missing.push_back(*key);
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
    const auto continuation = stubs_.continuation_for(*place.code, place.return_pc, what.landing);
    if (what.only_mapped && !stubs_.is_mapped(record)) {
      search.skipped[key] = {RefusalKind::NotMapped, stubs_.why_not_mapped(record)};
    } else if (what.effort.budget && continuation &&
               !what.effort.budget->spend(stubs_.program().functions[continuation->function]))
      search.skipped[key] = {RefusalKind::TooLarge};
    else if (auto stub = maker_.find_or_make_stub(*place.code, place.return_pc, what.landing); !stub)
      consumeError(stub.takeError()); // remembered
  }
}

void RequestOutcome::refuse(const Refusal &why, std::uint64_t activations) {
  if (activations == 0)
    return;
  refused[describe(why)] += activations;
  refusal_kinds.insert(why.kind);
}

std::uint64_t Requests::count_at_polls(const RequestSearch &search) const {
  return count_if(search.found, [&](const RequestSearch::Found &found) OSR_REQUIRES(engine_lock) {
    const CodeObject &code = *found.frame.code;
    return stubs_.versions().is_at_poll(*code.sites.find(code.offset_of(found.frame.pc)));
  });
}

RequestOutcome Requests::report(const RequestSearch &search) const {
  RequestOutcome outcome;
  outcome.rewritten = search.found.size() + search.released;
  outcome.at_polls = count_at_polls(search);
  outcome.may_land_in_old = std::uint64_t(count_if(search.found, [&](const RequestSearch::Found &found) {
    return static_cast<const ReturnStub *>(table_.find(found.stub_pc)->handle)->lands_in_old;
  }));
  outcome.already = search.already;
  outcome.running = search.running;
  for (const RequestSearch::Place &place : search.refused) {
    auto skipped = search.skipped.find(site_key(*place.code, place.return_pc));
    outcome.refuse(skipped != search.skipped.end()
                       ? skipped->second
                       : *stubs_.find_refusal(*place.code, place.return_pc, search.what.landing),
                   1);
  }
  outcome.refuse({RefusalKind::NoRoom}, search.no_room);
  outcome.refuse({RefusalKind::NoRecord}, search.no_record);
  outcome.refuse({RefusalKind::Pending}, search.pending);
  outcome.refuse({RefusalKind::Hidden}, search.hidden);
  return outcome;
}

Expected<RequestOutcome> Requests::replace_once(const Replacement &what, bool may_ask) {
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
  RequestOutcome outcome = search.is_complete() ? report(search) : RequestOutcome();
  outcome.stops = attempts.stops;
  outcome.pause_seconds = attempts.longest_pause;
  outcome.poll_seconds = attempts.longest_poll;
  return outcome;
}

/// One stop, and what has to be done before the next one. True: there need be none.
Expected<bool> Requests::attempt(RequestSearch &search, Attempts &attempts) {
  if (const auto *is_cancelled = search.what.effort.is_cancelled; is_cancelled && is_cancelled->load())
    return make_error(ErrorCode::Cancelled, "the request was cancelled");
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
    search.is_last_try = ++attempts.retries == most_walk_retries;
    if (attempts.retries > most_walk_retries)
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

Expected<RequestOutcome> Requests::replace(const Replacement &what) { return replace_once(what, /*may_ask=*/true); }

Expected<RequestOutcome> Requests::replace_until_none_runs(const Replacement &what) {
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
