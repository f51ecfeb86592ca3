// How the rooms are made, begin and end.
#include "runtime/facade/rooms.h"

#include "runtime/threads/own_heap.h"

using namespace llvm;

namespace osr {

Error Rooms::make(Engine &engine, const RuntimeOptions &options, Process process, Snapshot snapshot) {
  guest = std::make_unique<GuestProgram>(engine, options.libraries, process,
                                         options.process_symbols ? LibraryCalls::Ours : LibraryCalls::None);
  auto calls = FirstCalls::create(engine, options.tier_up.policy ? Tier::Baseline : options.tier, options.optimize_only,
                                  options.compile_failed, options.cannot_go_on);
  if (!calls)
    return calls.takeError();
  first_calls = std::move(*calls);
  replacer = std::make_unique<Replacer>(engine);
  sources = std::make_unique<SourceTables>(engine);
  redefiner = std::make_unique<Redefiner>(engine, *replacer, sources.get());
  debugger_variables = std::make_unique<DebuggerVariables>(engine, *sources, *redefiner);
  if (options.tier_up.policy)
    tiering = std::make_unique<Tiering>(engine, *first_calls, *replacer, options.tier_up);
  guards =
      std::make_unique<Guards>(engine, *replacer, tiering.get(), options.most_guard_failures, options.cannot_go_on);
  auto stressed = StressRun::create(options.stress, engine);
  if (!stressed)
    return stressed.takeError();
  stress = std::move(*stressed);
  if (options.control)
    control = std::make_unique<Control>(ControlParts{engine, *first_calls, *replacer, *redefiner, *sources,
                                                     *debugger_variables, tiering.get(), std::move(snapshot)},
                                        *options.control);
  return Error::success();
}

void Rooms::start(bool compiles_in_calls) {
  replacer->start();
  if (tiering)
    tiering->start(compiles_in_calls);
  stress->start(*replacer, *redefiner);
}

/// Also where making them has failed.
void Rooms::stop() {
  if (control)
    control->stop();
  if (stress)
    stress->stop();
  if (tiering)
    tiering->stop();
  if (replacer)
    replacer->stop();
}

void Rooms::end_by(std::chrono::steady_clock::time_point when) {
  if (control)
    control->hide();
  stress->end_by(when);
  if (tiering)
    tiering->end_by(when);
  replacer->end_by(when);
}

void Rooms::before_fork() {
  replacer->before_fork();
  if (tiering)
    tiering->before_fork();
}

void Rooms::after_fork(bool is_child) {
  replacer->after_fork(is_child);
  if (is_child) {
    stress->forget_threads();
    replacer->forget_threads();
    if (control)
      control->forget_threads();
  }
  if (tiering)
    tiering->after_fork(is_child);
}

bool Rooms::may_compile_in_calls() const { return has_own_heap() || !guest->may_handle_signals(); }

} // namespace osr
