// A runtime is the engine and the rooms around it, each with the state that only it needs.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "osr/runtime.h"
#include "runtime/control/control.h"
#include "runtime/engine/first_calls.h"
#include "runtime/guards/guards.h"
#include "runtime/guest/guest_program.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/stress/stress_run.h"
#include "runtime/threads/shared_process.h"
#include "runtime/tiering/tiering.h"

#include <map>
#include <memory>

namespace osr {

/// What a process has once (exit and its handlers, limits, operators new and delete) is one program's at a time.
class ProgramClaim {
public:
  /// False: another has it.
  bool take();
  ~ProgramClaim();
  ProgramClaim() = default;
  ProgramClaim(const ProgramClaim &) = delete;
  ProgramClaim &operator=(const ProgramClaim &) = delete;

private:
  bool is_taken_ = false;
};

/// Where calls of functions of one runtime come to that have no code yet.
struct CallsOfRuntime : EntryHook {
  RuntimeImpl *runtime = nullptr;
};

/// In the order in which they are made; each uses earlier ones only.
struct RuntimeImpl {
  ProgramClaim claim; ///< of a whole program
  llvm::orc::ThreadSafeContext context; ///< of the program, if the runtime owns it
  Process process;
  RuntimeOptions options;
  SharedProcess::Membership shared;
  CallsOfRuntime calls;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<GuestProgram> guest;
  std::unique_ptr<FirstCalls> first_calls;
  std::unique_ptr<Replacer> replacer;
  std::unique_ptr<Redefiner> redefiner;
  std::unique_ptr<Tiering> tiering; ///< null: no policy
  std::unique_ptr<Guards> guards;
  std::unique_ptr<StressRun> stress;
  std::unique_ptr<SourceTables> sources;
  std::unique_ptr<Control> control; ///< null: there is no control socket
  // Guarded by the engine's lock:
  std::map<ModuleId, Engine::Added> modules;
  ModuleId next_module = 1;
  bool has_begun = false; ///< start() was called
  ProgramThread *main_thread = nullptr; ///< that runs main

  RuntimeImpl(llvm::orc::ThreadSafeContext context, Process process, RuntimeOptions options)
      : context(std::move(context)), process(process), options(std::move(options)) {}
  ~RuntimeImpl();
  /// Without threads; the error says why there can be none.
  static llvm::Expected<std::unique_ptr<RuntimeImpl>>
  create(CanonicalProgram program, Process process, RuntimeOptions options, llvm::orc::ThreadSafeContext context = {});
  static llvm::Expected<std::unique_ptr<Runtime>> wrap(llvm::Expected<std::unique_ptr<RuntimeImpl>> impl);
  /// Everything but the threads. Fails with a reason.
  llvm::Error set_up(CanonicalProgram program);
  llvm::Error make_engine(CanonicalProgram program);
  /// The program is about to begin: its threads are watched, calls of its functions arrive, and the rooms act.
  llvm::Error start();
  /// Threads of the runtime's own end; requests that wait are cancelled.
  void stop_background();
  /// Before the process ends: the same, but the end waits for none of them. What they have is never destroyed.
  void leave_background();

  /// Nothing: somebody has the lock for longer than anybody should have to wait.
  std::optional<Statistics> snapshot();

  /// A handler of signals may come to program code at any time.
  bool may_handle_signals() const { return guest->may_handle_signals() || !options.host_symbols.empty(); }
  /// A thread of the program that makes code for its first call may have interrupted malloc.
  bool may_compile_in_calls() const;
  /// Calls of functions that have no code come to its first calls.
  void install_entry_hook();
};

/// What compiled code calls, by the names that it calls.
std::vector<AbsoluteSymbol> hook_symbols(const RuntimeImpl &runtime);
/// Where exceptions land.
void on_exception_landed(std::uint64_t pc);
} // namespace osr
