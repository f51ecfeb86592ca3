#include "runtime/osr/requests.h"

#include "compiler/base/error.h"
#include "runtime/threads/stopped_walk.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/ScopeExit.h>

#include <new>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_activations = 1024; ///< the lists grow when there are more
constexpr unsigned most_compile_rounds = 100; ///< each stop may find sites that the one before did not see
constexpr unsigned most_walk_retries = 200;  ///< a thread may be stopped where no walk is possible
/// How long threads are waited for that should come to a poll. A loop gets there in nanoseconds; a thread that has to
/// share its core may need some milliseconds. In between one looks whether they are still in the function.
constexpr std::chrono::milliseconds poll_patience[] = {std::chrono::milliseconds(1), std::chrono::milliseconds(4),
                                                       std::chrono::milliseconds(16)};
constexpr const char *no_map_refusal = "the site map says nothing about this site";
constexpr const char *pending_refusal = "another transition of this frame has to come first";

using Clock = std::chrono::steady_clock;

} // namespace

/// What one stop looks for and finds. Filled while threads are stopped, so all memory is taken before.
struct Requests::Search {
  struct Place {
    const CodeObject *code;
    std::uint64_t return_pc;
  };
  struct Found {
    Frame frame;
    std::uint64_t stub_pc;
  };

  Search(const Replacement &replacement, FrameRedirector &frames) : what(replacement), redirector(frames) {
    objects.insert(what.objects.begin(), what.objects.end());
    sites.insert(what.sites.begin(), what.sites.end());
    for (SiteKey site : what.sites)
      inlined_in.insert(object_of(site));
  }

  const Replacement &what;
  FrameRedirector &redirector;
  DenseSet<const CodeObject *> objects;
  DenseSet<SiteKey> sites;
  DenseSet<CodeObjectId> inlined_in; ///< code that holds these sites
  std::map<SiteKey, std::string> skipped; ///< sites that this request leaves alone, and why
  std::vector<Found> found;
  std::vector<Place> missing; ///< sites for which a stub has to be made first
  std::vector<Place> refused; ///< one for each activation that gets no stub
  std::vector<const ProgramThread *> at_loops; ///< may come to a poll and should
  bool may_ask = true;                         ///< they are worth waiting for
  bool asked = false;
  bool is_full = false;
  WalkStatus failure = WalkStatus::ReachedBase;
  pid_t failed_thread = 0;
  std::uint64_t already = 0, running = 0, released = 0, no_room = 0, no_record = 0, pending = 0;

  bool concerns(const Frame &frame) const {
    if (!frame.code)
      return false;
    return objects.contains(frame.code) ||
           (frame.kind == PcKind::Exact ? inlined_in.contains(frame.code->id)
                                        : sites.contains(site_key(*frame.code, frame.pc)));
  }
  /// The same for a frame that waits to go on elsewhere.
  bool concerns(const ReturnStub &stub) const {
    return any_of(stub.to, [this](const CodeObject *to) { return objects.contains(to); });
  }

  /// Activations at this return PC are in code that the request leads to.
  bool stays(std::uint64_t return_pc, const CodeObject *code) const {
    return code && code->state() == CodeState::InUse &&
           (is_contained(what.stays, code) || is_contained(what.sites_that_stay, site_key(*code, return_pc)));
  }

  /// Called while threads run.
  Error reserve(std::size_t count) {
    try {
      found.reserve(count);
      missing.reserve(count);
      refused.reserve(count);
      redirector.reserve(count);
      at_loops.reserve(count);
      return Error::success();
    } catch (const std::bad_alloc &) {
      return make_error("there is no memory for a list of {} activations; raise the limit (ulimit -v)", count);
    }
  }

  void reset() {
    found.clear();
    missing.clear();
    refused.clear();
    at_loops.clear();
    asked = false;
    is_full = false;
    failure = WalkStatus::ReachedBase;
    already = running = released = no_room = no_record = pending = 0;
  }

  template <typename T> void push(std::vector<T> &list, const T &value) {
    if (list.size() == list.capacity())
      is_full = true;
    else
      list.push_back(value);
  }

  bool is_complete() const { return failure == WalkStatus::ReachedBase && !is_full && missing.empty(); }
  bool is_to_ask() const { return is_complete() && may_ask && !at_loops.empty(); }
};

void Requests::consider(const Frame &frame, const ProgramThread &thread, Search &search) const {
  const ReturnStub *pending = nullptr;
  if (const std::uint64_t stub_pc = redirector_.stub_of(frame)) {
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
  const Landing landing = search.what.landing;
  const ReturnStub *stub = stubs_.find(*frame.code, frame.pc, landing);
  if (search.skipped.contains(site_key(*frame.code, frame.pc)) ||
      (!stub && stubs_.find_refusal(*frame.code, frame.pc, landing)))
    search.push(search.refused, {frame.code, frame.pc});
  else if (!stub)
    search.push(search.missing, {frame.code, frame.pc});
  else if (stub == pending) // leads to the new code inside and to the old one outside: the outer frame comes later
    ++search.pending;
  else if (frame.cfa + std::int64_t(stub->lowest_offset) < thread.stack_low)
    ++search.no_room;
  else
    search.push(search.found, {frame, stub->entry_pc});
}

void Requests::visit(const ProgramThread &thread, RulesFinder &rules, Search &search) const {
  bool is_newest = true;
  const WalkStatus status = walk_stopped(thread, rules, [&](const Frame &frame) {
    consider(frame, thread, search);
    // In the function itself, or in a call that is no site, such as of memcpy.
    bool is_between_sites = frame.kind == PcKind::Exact || (is_newest && !frame.is_site);
    if (is_between_sites && search.concerns(frame) && frame.code->has_loop_sites)
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
Expected<double> Requests::search_and_commit(Search &search) {
  search.reset();
  double pause = 0;
  Error error = handshake_.with_stopped([&](ArrayRef<std::unique_ptr<ProgramThread>> threads) {
    Clock::time_point begin = Clock::now();
    RulesFinder rules(lookup_, table_);
    for (const auto &thread : threads)
      if (search.failure == WalkStatus::ReachedBase)
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
void Requests::commit(const Search &search) {
  redirector_.release([&](std::uint64_t return_pc, std::uint64_t stub_pc) {
    const auto &stub = *static_cast<const ReturnStub *>(table_.find(stub_pc)->handle);
    return stub.may_be_released() &&
           (search.concerns(stub) || search.stays(return_pc, lookup_.find_code(return_pc - 1).object));
  });
  for (const Search::Found &found : search.found)
    redirector_.redirect(found.frame, found.stub_pc);
  redirector_.finish();
  if (calls_)
    calls_->update();
}

/// The threads run meanwhile.
void Requests::make_stubs(Search &search) {
  const Replacement &what = search.what;
  for (const Search::Place &place : search.missing) {
    if (stubs_.is_known(*place.code, place.return_pc, what.landing))
      continue; // several activations of one site
    const SiteKey key = site_key(*place.code, place.return_pc);
    const SiteRecord record = *place.code->sites.find(place.code->offset_of(place.return_pc));
    const FunctionId innermost = record.frames.back().site.function;
    if (what.only_mapped && !stubs_.is_mapped(record))
      search.skipped[key] = no_map_refusal;
    else if (what.budget && what.landing == Landing::Continuation &&
             !what.budget->spend(stubs_.program().functions[innermost]))
      search.skipped[key] = ContinuationBudget::refusal;
    else if (auto stub = stubs_.find_or_make(*place.code, place.return_pc, what.landing); !stub)
      consumeError(stub.takeError()); // remembered
  }
}

std::uint64_t Requests::count_at_polls(const Search &search) const {
  return count_if(search.found, [&](const Search::Found &found) {
    const CodeObject &code = *found.frame.code;
    return stubs_.versions().is_at_poll(*code.sites.find(code.offset_of(found.frame.pc)));
  });
}

ReplaceOutcome Requests::report(const Search &search) const {
  ReplaceOutcome outcome;
  outcome.rewritten = search.found.size() + search.released;
  outcome.at_polls = count_at_polls(search);
  outcome.already = search.already;
  outcome.running = search.running;
  for (const Search::Place &place : search.refused) {
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

Expected<ReplaceOutcome> Requests::replace(const Replacement &what) {
  Search search(what, redirector_);
  if (Error error = search.reserve(usual_activations))
    return error;
  unsigned stops = 0;
  double longest_pause = 0, longest_poll = 0;
  scope_exit release([&] { polls_.release(); });
  for (unsigned rounds = 0, retries = 0, unanswered = 0;;) {
    if (what.is_cancelled && what.is_cancelled->load())
      return make_error("the request was cancelled");
    auto pause = search_and_commit(search);
    if (!pause)
      return pause.takeError();
    ++stops;
    longest_pause = std::max(longest_pause, *pause);
    if (search.is_complete()) {
      if (!search.asked)
        break;
      unanswered += !polls_.wait(poll_patience[unanswered]);
      search.may_ask = unanswered < std::size(poll_patience) && ++rounds <= most_compile_rounds;
    } else if (search.failure != WalkStatus::ReachedBase) {
      if (++retries > most_walk_retries)
        return make_error("the stack of thread {} cannot be walked: {}", search.failed_thread,
                          describe(search.failure));
      let_threads_run(retries);
    } else if (search.is_full) {
      if (Error error = search.reserve(search.found.capacity() * 4))
        return error;
    } else if (++rounds > most_compile_rounds) {
      return make_error("the threads reach new sites faster than stubs can be made for them");
    } else {
      longest_poll = std::max(longest_poll, polls_.release()); // nobody waits for a compiler
      make_stubs(search);
    }
  }
  longest_poll = std::max(longest_poll, polls_.release());
  ReplaceOutcome outcome = report(search);
  outcome.stops = stops;
  outcome.pause_seconds = longest_pause;
  outcome.poll_seconds = longest_poll;
  return outcome;
}

} // namespace osr
