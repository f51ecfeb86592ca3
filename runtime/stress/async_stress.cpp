#include "runtime/stress/async_stress.h"

#include "runtime/events/cause.h"
#include "runtime/requests/active_functions.h"

using namespace llvm;

namespace osr {
namespace {

std::vector<EntryId> replaceable_functions(Engine &engine) {
  Lock lock(engine.mutex());
  engine.compiler().number_all();
  std::vector<EntryId> functions;
  for (const FunctionInfo &function : engine.program().functions)
    if (function.pinned == PinReason::None && !function.sites().empty())
      functions.push_back(EntryId(function.id));
  return functions;
}

/// Those of the functions that are on a stack now.
std::vector<EntryId> active_among(Engine &engine, ArrayRef<EntryId> functions) {
  std::vector<EntryId> active = active_functions(engine);
  erase_if(active, [&](EntryId function) { return !is_contained(functions, function); });
  return active;
}

} // namespace

AsyncStress::AsyncStress(Engine &engine, Replacer &replacer, std::uint64_t per_second)
    : engine_(engine), replacer_(replacer), functions_(replaceable_functions(engine)),
      ticker_("osr stress", per_second, [this] { replace_something(); }) {}

EntryId AsyncStress::choose() {
  std::vector<EntryId> active;
  if (random_() % 4 != 0)
    active = active_among(engine_, functions_);
  const std::vector<EntryId> &among = active.empty() ? functions_ : active;
  return among[random_() % among.size()];
}

void AsyncStress::replace_something() {
  if (functions_.empty())
    return;
  Because because(Cause::Stress);
  const EntryId function = choose();
  Tier tier = random_() % 2 == 0 ? Tier::Baseline : Tier::Optimized;
  const ReplaceOptions options{.to = tier, .old_code = OldCode::Keep};
  if (auto outcome = replacer_.replace(function, options, {.budget = &budget_}); !outcome)
    consumeError(outcome.takeError()); // counted by the runtime
}

} // namespace osr
