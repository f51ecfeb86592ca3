// What every client of compiled code shares: memory, linker, tables, compiler, versions, stubs.
//
//   compiler ──► session ──► registry        a version is compiled, linked into the arena, registered
//       ▲           │            │
//   versions ◄──────┘            ▼
//       ▲                     walks
//     stubs ──► stub table, redirector       an activation is sent to a stub
//
//   targets: where calls go       threads, handshake: who runs, and how all are stopped
#pragma once

#include "compiler/codegen/compiler.h"
#include "osr/statistics.h"
#include "runtime/code/code_registry.h"
#include "runtime/code/code_session.h"
#include "runtime/code/entry_table.h"
#include "runtime/code/slab_arena.h"
#include "runtime/engine/call_targets.h"
#include "runtime/engine/frame_redirector.h"
#include "runtime/engine/stub_factory.h"
#include "runtime/engine/version_maker.h"
#include "runtime/engine/version_store.h"
#include "runtime/events/event_teller.h"
#include "runtime/stack/registry_lookup.h"
#include "runtime/stack/walkable_code.h"
#include "runtime/threads/handshake.h"

#include <llvm/Support/Error.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace osr {

/// The parts of a runtime without any policy: nothing is compiled and no frame is replaced unless a client says so. The
/// parts are guarded by mutex(), as each says by engine_lock, unless they say that they are thread-safe. Example:
///
///     auto engine = cantFail(Engine::create(std::move(program), {}));
///     cantFail(engine->define_symbols({{"printf", address}}));
///     cantFail(engine->link_globals());
///     const Version &fib = *cantFail(engine->maker().find_or_compile({id, Tier::Baseline, std::nullopt}));
class Engine {
public:
  struct Options {
    Compiler::Options compile = {}; ///< the engine fills in where a thread's words are, and how code is patched
    bool loop_sites = false; ///< loops without calls poll, so that they can be left
    CallKind calls = CallKind::Slot;
    CallTargets::Calls entered = CallTargets::Calls::EnterCode;
    Mechanism mechanism = Mechanism::ReturnPc;
    bool has_shadow_stack = false; ///< the mechanism is ReturnPoint then
    StubKind stubs = StubKind::Generated;
    Freeing freeing = Freeing::StackEvidence;
    SlabSizes slabs = {}; ///< the program's variables come on top
    Fault fault = {}; ///< for tests of tests
    Listener listener = {}; ///< may be null
    NameSources names = {};
    CompileLimits limits = {};
  };

  /// Fails with a reason when the compiler cannot be set up, or memory for code not be had.
  static llvm::Expected<std::unique_ptr<Engine>> create(CanonicalProgram program, const Options &options);
  ~Engine();

  /// What the program's code refers to: its functions, under the addresses of their entries, the landings of results, and
  /// `symbols`. Call once.
  llvm::Error define_symbols(std::vector<AbsoluteSymbol> symbols);
  /// Compiles and links the program's variables, aliases and module-level assembly. Returns where the holders of its
  /// objects lie. Call once, after all that they refer to is known.
  llvm::Expected<Extent> link_globals() OSR_REQUIRES(engine_lock);
  /// A module that has become a part of the program.
  struct Added {
    std::vector<StaticAction> constructors, destructors;
    std::vector<EntryId> entries; ///< of its functions
    std::vector<std::string> names; ///< likewise
    const Version *variables = nullptr; ///< what holds them; null: there are none
    std::vector<std::string> variable_names;
    /// When it was removed: code that may use its variables, that of functions included which it was inlined into.
    std::vector<CodeObjectId> code;
  };
  /// Makes a module of any context a part of the program (Compiler::prepare_module). What its functions refer to may come
  /// later; what its variables refer to may not. An error changes nothing.
  llvm::Expected<Added> add(std::unique_ptr<llvm::Module> module) OSR_REQUIRES(engine_lock);
  /// The function has no body from now on, until a module defines one of the same type: calls of it fail.
  void withdraw(EntryId entry) OSR_REQUIRES(engine_lock);
  /// Once code and bodies of its functions are gone: its variables go, if nothing names them, and so do names of functions that
  /// nobody calls. False: some are left.
  bool free_removed(Added &module) OSR_REQUIRES(engine_lock);
  /// The function's name, also when it has no body; of one that nobody could call any more, what it is.
  std::string name_of(EntryId entry) const OSR_REQUIRES(engine_lock);
  /// From here on the program's threads can be stopped.
  llvm::Error watch_threads(const Handshake::Options &options);

  /// Stops all threads while `work` looks at them: it must not allocate, lock or wait. No code is freed meanwhile. The
  /// error names threads that did not stop; then `work` was not called. Takes the lock.
  llvm::Error with_stopped(llvm::function_ref<void(StoppedThreads)> work);

  const CanonicalProgram &program() const { return compiler_->program(); }
  /// The current body of the function of that name.
  llvm::Expected<FunctionId> find_body(llvm::StringRef name) const OSR_REQUIRES(engine_lock);
  Compiler &compiler() { return *compiler_; }
  SlabArena &arena() { return *arena_; }
  CodeSession &session() { return *session_; }
  CodeRegistry &registry() { return *registry_; }
  EntryTable &entries() { return *entries_; }
  StubTable &stub_table() { return stub_table_; }
  /// Walks of other runtimes pass through this one's code from here on.
  void show_code() { walkable_->show(); }
  RegistryLookup lookup() const { return RegistryLookup(*registry_, entries_.get()); }
  CallTargets &targets() { return *targets_; }
  FrameRedirector &redirector() { return *redirector_; }
  const ReturnPointTable *return_points() const { return return_points_.get(); } ///< null: return PCs are rewritten
  VersionStore &versions() { return *versions_; }
  StubFactory &stubs() { return *stubs_; }
  VersionMaker &maker() { return *maker_; }
  ThreadRegistry &threads() { return process_threads(); }
  /// After watch_threads().
  Handshake &handshake() { return *handshake_; }
  bool watches_threads() const { return handshake_ != nullptr; }
  Statistics &statistics() { return statistics_; }
  const EventTeller &events() const { return *events_; }
  CompileEffort &effort() { return *effort_; }
  TurnMutex &mutex() const OSR_RETURNS_MUTEX(engine_lock) { return mutex_; }

private:
  Engine() = default;
  llvm::Error set_up(CanonicalProgram program, const Options &options) OSR_REQUIRES(engine_lock);
  void set_up_patching(const Options &options);
  llvm::Expected<std::vector<EntryId>> entries_for(llvm::ArrayRef<FunctionInfo> functions, const llvm::Module &module)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<Added> link_module(Compiler::NewModule &module, std::vector<EntryId> entries)
      OSR_REQUIRES(engine_lock);
  void begin(const FunctionInfo &function, EntryId entry) OSR_REQUIRES(engine_lock);
  llvm::Error define_aliases(llvm::ArrayRef<Alias> names) OSR_REQUIRES(engine_lock);
  void count(const FunctionInfo &function) OSR_REQUIRES(engine_lock);

  Statistics statistics_;
  mutable TurnMutex mutex_;
  StubTable stub_table_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<SlabArena> arena_;
  std::unique_ptr<CodeSession> session_;
  std::unique_ptr<CodeRegistry> registry_;
  std::unique_ptr<EntryTable> entries_;
  std::unique_ptr<DirectCalls> direct_calls_; ///< null: calls go through slots
  std::unique_ptr<ReturnPointTable> return_points_;
  std::unique_ptr<FrameRedirector> redirector_;
  std::unique_ptr<CallTargets> targets_;
  std::unique_ptr<Compiler> compiler_;
  std::unique_ptr<EventTeller> events_;
  std::unique_ptr<VersionStore> versions_;
  std::unique_ptr<StubFactory> stubs_;
  std::unique_ptr<CompileEffort> effort_;
  std::unique_ptr<VersionMaker> maker_;
  std::unique_ptr<WalkableRuntime> walkable_;
  std::map<std::string, EntryId, std::less<>>
      withdrawn_ OSR_GUARDED_BY(engine_lock); ///< entries of functions that have no body, by name
  /// Of those whose name nothing in the program uses any more: it gets the same one when it comes again.
  llvm::StringMap<EntryId> unused_ OSR_GUARDED_BY(engine_lock);
};

} // namespace osr
