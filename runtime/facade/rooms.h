// The rooms around an engine, each with the state that only it needs.
#pragma once

#include "osr/options.h"
#include "runtime/control/control.h"
#include "runtime/engine/first_calls.h"
#include "runtime/guards/guards.h"
#include "runtime/guest/guest_program.h"
#include "runtime/inspect/debugger_variables.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/stress/stress_run.h"
#include "runtime/tiering/tiering.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace osr {

/// In the order in which they are made; each uses earlier ones only. All that acts by itself begins with start() and ends
/// with stop().
struct Rooms {
  std::unique_ptr<GuestProgram> guest;
  std::unique_ptr<FirstCalls> first_calls;
  std::unique_ptr<Replacer> replacer;
  std::unique_ptr<SourceTables> sources;
  std::unique_ptr<Redefiner> redefiner;
  std::unique_ptr<DebuggerVariables> debugger_variables;
  std::unique_ptr<Tiering> tiering; ///< null: no policy
  std::unique_ptr<Guards> guards;
  std::unique_ptr<StressRun> stress;
  std::unique_ptr<Control> control; ///< null: there is no control socket

  using Snapshot = std::function<std::optional<Statistics>()>;
  /// Nothing is linked yet, and nothing acts.
  llvm::Error make(Engine &engine, const RuntimeOptions &options, Process process, Snapshot snapshot);
  /// The engine watches threads by now. Threads of the program that are noticed may compile, if the options want that.
  void start(bool compiles_in_calls);
  /// Threads of the runtime's own end; requests that wait are cancelled.
  void stop();
  /// The same, but what is not done by then is left alone.
  void end_by(std::chrono::steady_clock::time_point when);

  void before_fork() OSR_REQUIRES(engine_lock);
  void after_fork(bool is_child) OSR_REQUIRES(engine_lock);

  /// A thread of the program that makes code for its first call may have interrupted malloc.
  bool may_compile_in_calls() const;
};

} // namespace osr
