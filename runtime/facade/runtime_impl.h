// A runtime is the engine and the rooms around it, each with the state that only it needs.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "osr/runtime.h"
#include "runtime/facade/added_modules.h"
#include "runtime/facade/libraries.h"
#include "runtime/facade/rooms.h"
#include "runtime/threads/shared_process.h"

#include <atomic>
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

struct RuntimeImpl {
  /// While one exists, the calling thread is in a function of the runtime's, which is not to be closed. Not around calls of the
  /// program, which are seen on stacks, and may end by longjmp.
  class Use {
  public:
    explicit Use(RuntimeImpl &impl) : impl_(impl), outer_(std::exchange(newest, this)) { ++impl_.uses; }
    ~Use() {
      newest = outer_;
      --impl_.uses;
    }
    Use(const Use &) = delete;
    Use &operator=(const Use &) = delete;
    /// By the calling thread, which alone exists in the child of a fork.
    static unsigned count_own(const RuntimeImpl &impl) {
      unsigned count = 0;
      for (const Use *use = newest; use; use = use->outer_)
        count += &use->impl_ == &impl;
      return count;
    }

  private:
    static constinit thread_local Use *newest __attribute__((tls_model("initial-exec"))); ///< of this thread
    RuntimeImpl &impl_;
    Use *outer_;
  };

  std::atomic<unsigned> uses = 0;
  /// What it has of the process.
  struct Shares {
    ProgramClaim claim; ///< of a whole program
    SharedProcess::Membership stops;
    bool is_locked_for_fork = false; ///< by the thread that forks, unless it had the engine's lock already
  } shares;
  llvm::orc::ThreadSafeContext context; ///< of the program, if the runtime owns it
  Process process;
  RuntimeOptions options;
  CallsOfRuntime calls;
  std::unique_ptr<Engine> engine;
  Rooms rooms;
  struct Grown {
    AddedModules modules;
    Libraries libraries;
  } grown;
  /// Of a program that has begun.
  struct Begun {
    ProgramThread *main_thread = nullptr; ///< that runs main; null: the host calls its functions
  };
  std::optional<Begun> begun;

  RuntimeImpl(llvm::orc::ThreadSafeContext context, Process process, RuntimeOptions options)
      : context(std::move(context)), process(process), options(std::move(options)) {}
  ~RuntimeImpl();
  /// Without threads; the error says why there can be none.
  static llvm::Expected<std::unique_ptr<RuntimeImpl>>
  create(CanonicalProgram program, Process process, RuntimeOptions options, llvm::orc::ThreadSafeContext context = {});
  static llvm::Expected<std::unique_ptr<Runtime>> wrap(llvm::Expected<std::unique_ptr<RuntimeImpl>> impl);
  static RuntimeImpl &of(Runtime &runtime) { return *runtime.impl_; }
  /// Runtime::add and Library::add.
  llvm::Expected<ModuleId> add(llvm::orc::ThreadSafeModule module, std::size_t library);
  /// Everything but the threads. Fails with a reason.
  llvm::Error set_up(CanonicalProgram program);
  llvm::Error make_engine(CanonicalProgram program);
  llvm::Error link_program();
  /// The program is about to begin: its threads are watched, calls of its functions arrive, and the rooms act.
  llvm::Error start(ProgramThread *main_thread);
  /// Threads of the runtime's own end; requests that wait are cancelled.
  void stop_background();
  /// Before the process ends: the same, but the end waits for none of them. What they have is never destroyed.
  void leave_background();

  /// The calling thread is in a function of the host's that the runtime has called in the middle of its work (a listener, a resolver,
  /// a visitor): whoever used it there would wait for itself.
  llvm::Error refuse_in_callback() const;
  bool is_in_callback() const;

  /// Nothing: somebody has the lock for longer than anybody should have to wait.
  std::optional<Statistics> snapshot();

  /// A handler of signals may come to program code at any time.
  bool may_handle_signals() const { return rooms.guest->may_handle_signals() || !options.host_symbols.empty(); }
  /// Calls of functions that have no code come to its first calls.
  void install_entry_hook();
};

/// What compiled code calls, by the names that it calls.
std::vector<AbsoluteSymbol> hook_symbols(const RuntimeImpl &runtime);
/// From here on that code is answered, whichever runtime of the process it is of.
void answer_compiled_code();

} // namespace osr
