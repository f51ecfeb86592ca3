#include "runtime/stress/async_stress.h"

#include "runtime/events/cause.h"
#include "runtime/requests/active_functions.h"
#include "runtime/threads/undisturbed.h"

#include <utility>

using namespace llvm;

namespace osr {
namespace {

/// Of the current bodies.
std::vector<EntryId> replaceable_functions(Engine &engine) OSR_REQUIRES(engine_lock) {
  engine.compiler().number_all();
  const Bodies &bodies = engine.targets().bodies();
  std::vector<EntryId> functions;
  for (std::uint32_t i = 0; i != bodies.entry_count(); ++i) {
    const FunctionId body = bodies.current(EntryId(i));
    if (body == no_function)
      continue;
    const FunctionInfo &function = engine.program().functions[body];
    if (function.pinned == PinReason::None && !function.sites().empty())
      functions.push_back(EntryId(i));
  }
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
    : engine_(engine), replacer_(replacer), ticker_("osr stress", per_second, [this] { replace_something(); }) {}

/// Of a program that grows there are new ones, sooner or later.
void AsyncStress::look_for_functions() {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  const std::uint32_t entries = engine_.targets().bodies().entry_count();
  if (std::exchange(entries_seen_, entries) != entries)
    functions_ = replaceable_functions(engine_);
}

EntryId AsyncStress::choose() {
  std::vector<EntryId> active;
  if (random_() % 4 != 0)
    active = active_among(engine_, functions_);
  const std::vector<EntryId> &among = active.empty() ? functions_ : active;
  return among[random_() % among.size()];
}

void AsyncStress::replace_something() {
  look_for_functions();
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
