#include "runtime/stress/async_stress.h"

#include "runtime/events/cause.h"
#include "runtime/requests/active_functions.h"

using namespace llvm;

namespace osr {
namespace {

std::vector<FunctionId> replaceable_functions(const CanonicalProgram &program) {
  std::vector<FunctionId> functions;
  for (const FunctionInfo &function : program.functions)
    if (function.pinned == PinReason::None && !function.sites.empty())
      functions.push_back(function.id);
  return functions;
}

/// Those of the functions that are on a stack now.
std::vector<FunctionId> active_among(Engine &engine, ArrayRef<FunctionId> functions) {
  std::vector<FunctionId> active = active_functions(engine);
  erase_if(active, [&](FunctionId function) { return !is_contained(functions, function); });
  return active;
}

} // namespace

AsyncStress::AsyncStress(Engine &engine, Replacer &replacer, std::uint64_t per_second)
    : engine_(engine), replacer_(replacer), functions_(replaceable_functions(engine.program())),
      ticker_("osr stress", per_second, [this] { replace_something(); }) {}

FunctionId AsyncStress::choose() {
  std::vector<FunctionId> active;
  if (random_() % 4 != 0)
    active = active_among(engine_, functions_);
  const std::vector<FunctionId> &among = active.empty() ? functions_ : active;
  return among[random_() % among.size()];
}

void AsyncStress::replace_something() {
  if (functions_.empty())
    return;
  Because because(Cause::Stress);
  const FunctionId function = choose();
  Tier tier = random_() % 2 == 0 ? Tier::Baseline : Tier::Optimized;
  const ReplaceOptions options{.to = tier, .old_code = OldCode::Keep};
  if (auto outcome = replacer_.replace(function, options, {.budget = &budget_}); !outcome)
    consumeError(outcome.takeError()); // counted by the runtime
}

} // namespace osr
