// Patches that are done only when no activation would stay in an old body.
//
//   bodies are made and checked, and put aside ──► nobody would stay? ── no ──► a pause, in which the program runs; again
//                                                        │ yes (the first time somebody may be asked now, and refuse it; again)
//                   everything as before ◄── no ── calls wait for the lock, nothing old is entered any more: nobody would stay?
//                                                        │ yes
//                                                  the rest of the steps
//
// The second look decides. The first one is there because the second is dear: what rests on old bodies is left for it.
#include "compiler/base/error.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_events.h"
#include "runtime/redefine/site_places.h"
#include "runtime/redefine/waiting_change.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

#include <thread>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::microseconds first_pause(200), longest_pause(20'000); ///< between two looks

} // namespace

Expected<PatchOutcome> Redefiner::change_when_free(const char *verb, StringRef name, ArrayRef<PatchedBody> bodies,
                                                   const PatchOptions &options) {
  Because because(Cause::Redefinition);
  TracedRequest traced(verb, name, options.to);
  std::shared_ptr<WaitingChange> waiting;
  for (auto pause = first_pause;;) {
    auto step = take_step(waiting, bodies, options);
    if (step && *step == WaitingStep::Ask) {
      Error refused = options.before();
      if (!refused)
        continue;
      step = std::move(refused);
    }
    if (!step) {
      Lock lock(engine_.mutex(), after_waiting);
      if (waiting)
        end_waiting(*waiting);
      return not_done(traced.failed(step.takeError()), name);
    }
    if (*step == WaitingStep::Done) {
      traced.done(waiting->change.outcome.all.old_body);
      return std::move(waiting->change.outcome);
    }
    if (options.progress)
      options.progress("waits for " + waiting->waits_for);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, longest_pause);
  }
}

/// The first one makes what waits.
Expected<Redefiner::WaitingStep> Redefiner::take_step(std::shared_ptr<WaitingChange> &waiting,
                                                      ArrayRef<PatchedBody> bodies, const PatchOptions &options) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  if (!waiting) {
    auto begun = begin_waiting(bodies, options);
    if (!begun)
      return begun.takeError();
    waiting = std::move(*begun);
    waiting->end = std::chrono::steady_clock::now() + *options.wait;
  }
  auto step = try_waiting(*waiting, options);
  if (step && *step == WaitingStep::Done) {
    end_waiting(*waiting);
    conclude(waiting->change.outcome.functions.size());
  }
  return step;
}

/// Its bodies are there, and nothing means them yet.
Expected<std::shared_ptr<Redefiner::WaitingChange>> Redefiner::begin_waiting(ArrayRef<PatchedBody> bodies,
                                                                             const PatchOptions &options) {
  if (replacer_.reclaimer().has_hidden_stacks())
    return make_error("nobody can wait for activations on stacks that the program makes itself");
  auto change = begin_change(bodies, options);
  if (!change)
    return change.takeError();
  undo(change->exchanges);
  auto waiting = std::make_shared<WaitingChange>();
  waiting->change = std::move(*change);
  for (const Exchange &exchange : waiting->change.exchanges) {
    waiting->ages.push_back(
        {age_of(exchange.old), age_of(waiting->change.goes_back ? exchange.before : exchange.fresh)});
    if (exchange.fresh != exchange.before)
      engine_.targets().bodies().keep(exchange.fresh);
  }
  waiting_.push_back(waiting);
  return waiting;
}

void Redefiner::end_waiting(WaitingChange &waiting) {
  for (const Exchange &exchange : waiting.change.exchanges)
    if (exchange.fresh != exchange.before)
      engine_.targets().bodies().do_not_keep(exchange.fresh);
  erase_if(waiting_, [&](const auto &other) { return other.get() == &waiting; });
}

/// The error says why it will not be done.
Expected<Redefiner::WaitingStep> Redefiner::try_waiting(WaitingChange &waiting, const PatchOptions &options) {
  if (Error error = check_as_it_was(waiting))
    return error;
  const bool asks = options.before && !waiting.was_asked;
  auto waits_for = asks ? why_not_now(waiting) : change_if_free(waiting, options.to);
  if (!waits_for)
    return waits_for.takeError();
  if (waits_for->empty()) {
    waiting.was_asked = true;
    return asks ? WaitingStep::Ask : WaitingStep::Done;
  }
  waiting.waits_for = std::move(*waits_for);
  if (options.is_cancelled && *options.is_cancelled)
    return make_error("the request was cancelled while it waited for {}", waiting.waits_for);
  if (std::chrono::steady_clock::now() >= waiting.end)
    return make_error("it was given up after waiting for {}", waiting.waits_for);
  return WaitingStep::Wait;
}

Expected<std::string> Redefiner::why_not_now(const WaitingChange &waiting) {
  return waiting.is_forced ? "" : why_not_free(waiting.change);
}

/// "": it is done. Else, and with an error, everything is as before; the text says what has to be waited for.
Expected<std::string> Redefiner::change_if_free(WaitingChange &waiting, Tier to) {
  PatchChange &change = waiting.change;
  if (auto why = why_not_now(waiting); !why || !why->empty())
    return why;
  for (Exchange &exchange : change.exchanges)
    begin_again(exchange);
  if (auto why = leave_if_free(waiting); !why || !why->empty()) {
    undo(change.exchanges);
    consumeError(engine_.targets().bind(engine_.handshake())); // else at the next stop
    return why;
  }
  settle(change.exchanges, to, change.outcome.all);
  conclude_change(change);
  return "";
}

/// Nobody enters an old body any more. "": nobody would stay in one.
Expected<std::string> Redefiner::leave_if_free(WaitingChange &waiting) {
  ReplaceOutcome &left = waiting.change.outcome.all.dependents;
  if (Error error = leave_invalid(waiting.change.exchanges, waiting.change.outcome.all))
    return error;
  if (waiting.is_forced)
    return "";
  if (left.running || !left.refused.empty())
    return "code that has an old body in it";
  return why_not_free(waiting.change);
}

/// "", or an activation that would stay in an old body, and how many more there are.
Expected<std::string> Redefiner::why_not_free(const PatchChange &change) {
  auto standing = find_standing(
      engine_, [&](FunctionId body) OSR_REQUIRES(engine_lock) { return exchange_of(change, body) != nullptr; });
  if (!standing)
    return standing.takeError();
  const StandingActivation *first = nullptr;
  std::uint64_t more = 0;
  for (const StandingActivation &activation : standing->activations) {
    if (!would_stay(activation, *exchange_of(change, activation.body)))
      continue;
    more += first != nullptr;
    first = first ? first : &activation;
  }
  if (!first)
    return "";
  return fmt::format("thread {} in {}{}", first->thread, place_of(*first),
                     more == 1 ? " and another activation"
                     : more    ? fmt::format(" and {} more activations", more)
                               : "");
}

/// Of the function that has or had this body; null: it is not changed.
const Redefiner::Exchange *Redefiner::exchange_of(const PatchChange &change, FunctionId body) const {
  const EntryId entry = engine_.targets().bodies().entry_of(body);
  const auto found = find_if(change.exchanges, [&](const Exchange &exchange) { return exchange.entry == entry; });
  return found == change.exchanges.end() || body == found->fresh ? nullptr : &*found;
}

/// No map says how it goes on in the new body.
bool Redefiner::would_stay(const StandingActivation &activation, const Exchange &exchange) {
  const FunctionInfo &old = engine_.compiler().numbered(exchange.old);
  if (old.pinned != PinReason::None)
    return true;
  if (!activation.site) // it goes on from the next site that it comes to
    return activation.body != exchange.old || exchange.site_map.size() != old.sites().size();
  SiteId at{activation.body, *activation.site};
  if (activation.body != exchange.old)
    at = engine_.stubs().site_maps().leads_to(at).value_or(at);
  return at.function != exchange.old ||
         none_of(exchange.site_map, [&](const SiteMapping &mapping) { return mapping.from_site == at.index; });
}

std::string Redefiner::place_of(const StandingActivation &activation) const {
  std::string name = name_for_people(engine_.program().functions[activation.body].name).str();
  if (!activation.site)
    return name;
  const std::vector<std::string> places = site_places(engine_.compiler().code_of(activation.body), engine_.program());
  return *activation.site < places.size() ? name + places[*activation.site] : name;
}

Error Redefiner::check_as_it_was(const WaitingChange &waiting) const {
  const PatchChange &change = waiting.change;
  if (change.goes_back && !change.is_alone && (patches_.empty() || patches_.back().number != change.outcome.number))
    return make_error("another patch was made or taken back meanwhile");
  for (const auto &[index, exchange] : enumerate(change.exchanges)) {
    if (engine_.targets().bodies().current(exchange.entry) != exchange.old ||
        age_of(exchange.old) != waiting.ages[index].old)
      return make_error("'{}' was redefined meanwhile", engine_.name_of(exchange.entry));
    if (!change.goes_back)
      continue;
    auto before =
        body_before(exchange.entry); // it may have been redefined, and taken back, more often than bodies are kept
    if (!before)
      return before.takeError();
    if (*before != exchange.before || age_of(exchange.before) != waiting.ages[index].fresh)
      return make_error("'{}' goes back to another body meanwhile", engine_.name_of(exchange.entry));
  }
  return Error::success();
}

/// After undo(): calls mean the new body again.
void Redefiner::begin_again(Exchange &exchange) {
  exchange.invalid = versions_that_rest_on(exchange.old);
  engine_.compiler().make_current(exchange.fresh, exchange.old);
  begin(exchange);
}

/// 0: the program began with it.
std::uint64_t Redefiner::age_of(FunctionId body) const {
  const auto found = ages_.find(body);
  return found == ages_.end() ? 0 : found->second;
}

std::vector<unsigned> Redefiner::force_waiting() {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  std::vector<unsigned> numbers;
  for (const auto &waiting : waiting_) {
    waiting->is_forced = true;
    numbers.push_back(waiting->change.outcome.number);
  }
  return numbers;
}

} // namespace osr
