#include "runtime/stress/churn.h"

#include "runtime/events/cause.h"
#include "runtime/requests/active_functions.h"
#include "runtime/threads/undisturbed.h"

#include <algorithm>

using namespace llvm;

namespace osr {

Churn::Churn(Engine &engine, Replacer &replacer, Redefiner &redefiner, std::uint64_t per_second)
    : engine_(engine), replacer_(replacer), redefiner_(redefiner),
      ticker_("osr stress", per_second, [this] { act(); }) {}

/// Mostly one that is on a stack: of a large program those are few among many. Nothing: there is none yet.
std::optional<Churn::Function> Churn::choose() {
  std::vector<EntryId> active;
  if (random_() % 4 != 0)
    active = active_functions(engine_);
  Undisturbed undisturbed;
  const Lock lock(engine_.mutex(), after_waiting);
  const std::uint32_t count = engine_.targets().bodies().entry_count();
  if (count == 0)
    return std::nullopt;
  const EntryId entry = active.empty() ? EntryId(std::uint32_t(random_() % count)) : active[random_() % active.size()];
  return Function{entry, engine_.name_of(entry)};
}

/// Without having waited only for compiles, its own or those that the last change made necessary.
bool Churn::has_run_since() {
  constexpr double least_share = 1.0 / 3, enough = 0.05; // of the time for compiling, and seconds
  Undisturbed undisturbed;
  const Lock lock(engine_.mutex(), after_waiting);
  const double compiled = engine_.statistics().compile_seconds() - compiled_before_;
  const auto now = std::chrono::steady_clock::now();
  const double ran = std::chrono::duration<double>(now - acted_at_).count() - compiled;
  if (ran < std::min(compiled * least_share, enough))
    return false;
  acted_at_ = now;
  compiled_before_ += compiled;
  return true;
}

void Churn::act() {
  if (!has_run_since())
    return;
  Because because(Cause::Stress);
  const auto function = choose();
  if (!function)
    return;
  if (random_() % 3 == 0)
    redefine(function->name);
  else
    replace(function->entry);
}

void Churn::replace(EntryId function) {
  ContinuationBudget budget; // what was compiled is freed again: the budget is for one request
  ReplaceOptions options{.to = random_tier(), .recompile = random_() % 2 == 0};
  if (random_() % 8 == 0)
    options.frames = Frames::FinishOld;
  if (auto outcome = replacer_.replace(function, options, {.budget = &budget}); !outcome)
    consumeError(outcome.takeError()); // counted by the runtime
}

void Churn::redefine(const std::string &function) {
  auto source = redefiner_.source_of(function);
  if (!source) {
    consumeError(source.takeError());
    return;
  }
  RedefineOptions options{
      .site_map = {}, .same_sites = redefined_.contains(function) && random_() % 4 != 0, .to = random_tier()};
  if (auto outcome = redefiner_.redefine(function, (*source)->getMemBufferRef(), options))
    redefined_.insert(function);
  else
    consumeError(outcome.takeError());
}

} // namespace osr
