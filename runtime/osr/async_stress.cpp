#include "runtime/osr/async_stress.h"

#include "runtime/osr/cause.h"
#include "runtime/osr/runtime.h"

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

} // namespace

AsyncStress::AsyncStress(Runtime &runtime, std::uint64_t per_second)
    : runtime_(runtime), functions_(replaceable_functions(runtime.program())),
      ticker_("osr stress", per_second, [this] { replace_something(); }) {}

void AsyncStress::replace_something() {
  if (functions_.empty())
    return;
  Because because(Cause::Stress);
  FunctionId function = functions_[random_() % functions_.size()];
  Tier tier = random_() % 2 == 0 ? Tier::Baseline : Tier::Optimized;
  if (auto outcome = runtime_.replace(function, {.to = tier, .old_code = OldCode::Keep, .budget = &budget_}); !outcome)
    consumeError(outcome.takeError()); // counted by the runtime
}

} // namespace osr
