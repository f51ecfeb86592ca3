// The runtime of one program: compiled lazily, run, and its frames replaced while it runs.
#pragma once

#include "compiler/codegen/compiler.h"
#include "osr-stubs/enter_program.h"
#include "osr-stubs/entry_hook.h"
#include "osr-stubs/thread_state.h"
#include "runtime/code/entry_table.h"
#include "runtime/code/program_segments.h"
#include "runtime/engine/bodies.h"
#include "runtime/engine/direct_calls.h"
#include "runtime/engine/reclaimer.h"
#include "runtime/engine/stub_factory.h"
#include "runtime/engine/version_store.h"
#include "runtime/events/statistics.h"
#include "runtime/guards/deoptimize.h"
#include "runtime/guards/guard_exits.h"
#include "runtime/guest/fde_finder.h"
#include "runtime/guest/loading_calls.h"
#include "runtime/guest/startup_checks.h"
#include "runtime/guest/symbol_calls.h"
#include "runtime/redefine/redefine_options.h"
#include "runtime/requests/follow_ups.h"
#include "runtime/requests/loop_polls.h"
#include "runtime/requests/replace_options.h"
#include "runtime/requests/request_queue.h"
#include "runtime/requests/requests.h"
#include "runtime/stress/async_stress.h"
#include "runtime/stress/churn.h"
#include "runtime/stress/stress.h"
#include "runtime/tiering/tier_policy.h"

#include <llvm/Support/Error.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// The bytes of one value of a frame state, as a store of the value writes them.
using EnteredValue = std::span<const std::byte>;
class StackSampler;
class TierUp;
class Undisturbed;
enum class NoticedBy : std::uint8_t;

/// Owns everything that a running program needs. One per process, as the entry hook is. create(), run_main() and
/// the destructor belong to one thread; replace() may be called from any. Example:
///
///     auto runtime = cantFail(Runtime::create(std::move(program), {.tier = Tier::Baseline}));
///     int status = cantFail(runtime->run_main({"program", "argument"}));
///
/// and meanwhile, in another thread of the host or of the program:
///
///     ReplaceOutcome outcome = cantFail(runtime->replace("hot", {.to = Tier::Optimized}));
class Runtime {
public:
  struct Options {
    Tier tier = Tier::Optimized; ///< of the code that calls enter
    TierUpOptions tier_up;       ///< with a policy: calls enter baseline code first, whatever `tier` says
    StressMode stress;
    CallKind calls = CallKind::Slot;
    /// Under a shadow stack it is always ReturnPoint.
    Mechanism mechanism = Mechanism::ReturnPc;
    StubKind stubs = StubKind::Generated;
    bool verify_each_pass = false;
    bool sites = true;                    ///< false: plain code without sites, for comparison
    bool loop_sites = true;               ///< false: loops without calls cannot be left, and pay nothing for it
    bool assume_guards = true;            ///< false: optimised code stays where a guard fails, and goes on there
    /// Baseline code counts which way branches go and what is called by pointer; what was so each time, and at least so often,
    /// is what optimised code is made for (compiler/tiers/speculate.h). Nothing: it is not. Nor is it in programs that
    /// may handle signals without a heap of the runtime's own (own_heap.h), or if guards are not assumed or activations counted.
    std::optional<std::uint32_t> speculate_after;
    std::uint64_t most_guard_failures = 3; ///< then code is compiled without the assumption
    DeoptimizeHandler deoptimize; ///< the embedder's interpreter; null: bundles name their continuations
    Freeing freeing = Freeing::StackEvidence;
    bool compile_ahead = false; ///< compile every function before the program starts
    std::vector<std::string> libraries; ///< loaded before the program is linked
    std::vector<std::string> optimize_only; ///< not empty: all other functions stay at the baseline tier
    std::vector<AbsoluteSymbol> host_symbols; ///< functions and data of the host that the program may name
    SlabSizes slabs; ///< the memory for code and what belongs to it
    Fault fault; ///< for tests of tests
    Handshake::Options handshake;
    bool (*has_shadow_stack)() = shadow_stack_is_active; ///< asked once; tests put something else here
  };

  /// Compiles the program's globals and gives every function its entry. Fails with a reason when a symbol cannot be
  /// resolved, a library not be loaded, or the kernel lacks what the options need.
  static llvm::Expected<std::unique_ptr<Runtime>> create(CanonicalProgram program, Options options);
  ~Runtime();

  /// Runs static constructors, then main(argc, argv, environ), and returns main's result. Destructors of the program
  /// are registered with atexit. Fails when there is no main, or not one of that
  /// type.
  llvm::Expected<int> run_main(const std::vector<std::string> &arguments);

  /// Replaces all activations of a function that are at another tier, in all threads, wherever they are; see
  /// requests.h. Calls to come enter the new tier, and the old code's memory is given back; replace_options.h has the
  /// choices. The error says why nothing was done; then nothing has changed.
  llvm::Expected<ReplaceOutcome> replace(llvm::StringRef function, const ReplaceOptions &options);
  /// The same by the id that the function had when the program began.
  llvm::Expected<ReplaceOutcome> replace(FunctionId function, const ReplaceOptions &options);
  /// The same in the background. `options.is_cancelled` is not used: the result has cancel().
  std::shared_ptr<PendingRequest> request(llvm::StringRef function, const ReplaceOptions &options);

  /// Gives a function a new body of the same type, defined by bitcode or text IR (Compiler::prepare_body has the rules).
  /// Calls to come run the new body, in all threads. Optimised code that rested on the old body goes out of use, and its
  /// activations go on in baseline code. Activations of the old body end in it, or go on in the new one where the site
  /// map says how. The old code is freed as by replace(). The error says why nothing was done.
  llvm::Expected<RedefineOutcome> redefine(llvm::StringRef function, llvm::MemoryBufferRef ir,
                                           const RedefineOptions &options = {});

  /// The function as it was written, by itself: bitcode that redefine() takes. Fails if the program was made canonical
  /// without KeepSource.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> source_of(llvm::StringRef function);

  /// An interpreter's way into compiled code: goes on behind a site of the function, in optimised code, as an activation
  /// with this frame state would whose call has just returned `result`, and returns what the function returns. In a
  /// thread of the program. Site::state says which values it takes, and of which sizes; find_site() is of use to
  /// who knows the callee. The error says why there is no way in: a function with local objects in memory, say.
  /// The code is kept until the call returns; whoever leaves it by longjmp keeps it for ever.
  llvm::Expected<std::uint64_t> enter_at(llvm::StringRef function, std::uint32_t site,
                                         llvm::ArrayRef<EnteredValue> state, std::uint64_t result = 0);

  /// Frees at once what nothing leads into any more; the runtime does so by itself, sooner or later. True if code that
  /// is out of use has to wait for its activations.
  bool reclaim();

  /// The address of a function as the program sees it: the same whatever body and version it has. 0 if there is none.
  /// The host's own threads may call program functions: enter(**attach_thread(), address_of("callback"), argument) of
  /// program_thread.h and start_thread.h, from when run_main() has begun.
  std::uint64_t address_of(llvm::StringRef function);

  /// Stops all threads while `work` looks at them: it must not allocate, lock or wait. No code is freed meanwhile. The
  /// error names threads that did not stop; then `work` was not called.
  llvm::Error with_stopped(llvm::function_ref<void(llvm::ArrayRef<std::unique_ptr<ProgramThread>>)> work);

  /// The functions that are on stacks now, each once, by the ids that they had when the program began; of very many, or very
  /// deep stacks, some. Empty also if the threads could not be stopped.
  std::vector<FunctionId> active_functions();

  /// Statistics at one moment. Empty if another thread holds the runtime's lock for more than a few seconds.
  std::optional<Statistics> snapshot();

  /// Not while another thread may redefine a function.
  const CanonicalProgram &program() const { return compiler_->program(); }
  /// As chosen by the options or by the shadow stack.
  Mechanism mechanism() const { return options_.mechanism; }
  const Statistics &statistics() const { return statistics_; }
  Compiler &compiler() { return *compiler_; }
  VersionStore &versions() { return *versions_; }
  CodeRegistry &registry() { return *registry_; }
  CodeSession &session() { return *session_; }
  EntryTable &entries() { return *entries_; }
  const StubTable &stub_table() const { return *stub_table_; }
  const SlabArena &arena() const { return *arena_; }
  const ThreadRegistry &threads() const { return threads_; }

private:
  explicit Runtime(Options options);
  llvm::Error set_up(CanonicalProgram program);
  bool may_handle_signals(const llvm::Module &program) const;
  void set_up_patching();
  llvm::Error bind_direct_calls();
  llvm::Error link_program();
  llvm::Error load_late_libraries(ProgramThread &self);
  llvm::Error check_references();
  llvm::Error define_program_symbols();
  llvm::Error link_globals();
  llvm::Error show_program();
  void forget_program();
  void count_program();
  std::uint64_t enter(EntryFrame &frame);
  Tier first_tier(FunctionId body) const;
  std::uint64_t code_for(FunctionId function, EntryFrame *frame = nullptr);
  std::uint64_t code_for_locked(FunctionId function);
  llvm::Error compile_all();
  llvm::Expected<const Version *> compile_for_calls(FunctionId entry);
  void set_code_for_calls(FunctionId function, std::uint64_t pc);
  llvm::Expected<FunctionId> find_body(llvm::StringRef name) const;
  llvm::Expected<FunctionId> replaceable_body(FunctionId entry, const ReplaceOptions &options) const;
  llvm::Error not_replaced(FunctionId body, llvm::Error error) const;
  llvm::Expected<ReplaceOutcome> replace_locked(FunctionId entry, const ReplaceOptions &options);
  llvm::Expected<ReplaceOutcome> rewrite(FunctionId body, const ReplaceOptions &options,
                                         llvm::ArrayRef<const Version *> old);
  using RequestKind = llvm::Expected<ReplaceOutcome> (Requests::*)(const Replacement &);
  llvm::Expected<ReplaceOutcome> carry_out(const Replacement &what, RequestKind kind);
  void follow_up();
  llvm::Expected<ReplaceOutcome> wait_quiescent(FunctionId entry, const ReplaceOptions &options);
  llvm::Expected<const Version *> prepare(FunctionId body, const ReplaceOptions &options,
                                          std::vector<const Version *> &old);
  void retire(llvm::ArrayRef<const Version *> versions, FunctionId entry);
  void count(const ReplaceOutcome &outcome);
  void set_up_tiers();
  void start_tiers();
  void start_sampling();
  bool may_tier_up(FunctionId body) const;
  std::optional<llvm::Expected<ReplaceOutcome>> tier_up(FunctionId body, NoticedBy by, bool is_first);
  llvm::Expected<ReplaceOutcome> tier_up_by_steps(FunctionId entry, FunctionId body, ReplaceOptions options);
  void compile_unlocked(FunctionId body, llvm::ArrayRef<VersionKey> keys);
  bool try_compile_unlocked(FunctionId body, const VersionKey &key);
  void sample();
  bool scan();
  void set_up_speculation();
  bool drop_assumption(SiteId guard);
  llvm::Expected<const Site *> enterable_site(FunctionId body, std::uint32_t index,
                                              llvm::ArrayRef<EnteredValue> state) const;

  struct CallTarget {
    FunctionId function;
    std::uint64_t pc;
  };
  llvm::Expected<RedefineOutcome> redefine_locked(FunctionId old, llvm::MemoryBufferRef ir,
                                                  const RedefineOptions &options);
  std::vector<const Version *> versions_that_rest_on(FunctionId body) const;
  std::vector<CallTarget> redirect_calls(FunctionId entry, llvm::ArrayRef<const Version *> invalid);
  void undo_redefine(FunctionId entry, FunctionId old, FunctionId fresh, llvm::ArrayRef<CallTarget> before);
  llvm::Expected<ReplaceOutcome> deoptimize(llvm::ArrayRef<const Version *> invalid);
  llvm::Expected<ReplaceOutcome> move_to_new_body(FunctionId old, Tier to);
  void drop_unused_bodies();
  llvm::Error start_requests();
  void start_background();
  void stop_background();
  void leave_background();
  void start_stress();
  enum class ForkSide : std::uint8_t { Parent, Child };
  static llvm::Error watch_forks();
  static void after_fork(ForkSide side);
  llvm::Expected<std::uint64_t> look_up(llvm::StringRef name);
  /// Each gets argc, argv and envp, as the C library calls them.
  llvm::Error run_actions(const std::vector<StaticAction> &actions);
  void keep_arguments(const std::vector<std::string> &arguments);
  static std::uint64_t hook(EntryFrame *frame);
  static void on_poll(std::uint64_t return_pc_slot);
  static void on_guard_failed(std::uint64_t return_pc_slot, std::uint32_t reason);
  void leave_at_guard(std::uint64_t return_pc_slot, std::uint32_t reason);
  static void on_exception_landed(std::uint64_t pc);
  static void on_counted_poll(std::uint64_t return_pc_slot);
  static void on_heat(HeatCounter *counter, NoticedBy by);

  std::vector<std::string> arguments_; ///< main's
  std::vector<char *> argv_; ///< the same, with the null at its end

  static inline Runtime *running_ = nullptr; ///< the entry hook is one per process

  Options options_;
  Statistics statistics_;
  std::unique_ptr<SlabArena> arena_;
  std::unique_ptr<CodeSession> session_;
  std::unique_ptr<CodeRegistry> registry_;
  std::unique_ptr<StubTable> stub_table_;
  std::unique_ptr<FdeFinder> fde_finder_;
  std::unique_ptr<EntryTable> entries_;
  std::unique_ptr<ProgramSegments> program_segments_;
  std::unique_ptr<CodeNames> code_names_;
  std::vector<std::string> late_libraries_;
  std::unique_ptr<Interposition> interposition_;
  std::unique_ptr<LoadedProgram> loaded_program_;
  void *symbol_file_ = nullptr;
  std::unique_ptr<ReturnPointTable> return_points_; ///< null: return PCs are rewritten
  std::unique_ptr<FrameRedirector> redirector_;
  std::unique_ptr<DirectCalls> direct_calls_; ///< null: calls go through slots
  std::unique_ptr<Compiler> compiler_;
  std::unique_ptr<VersionStore> versions_;
  std::unique_ptr<StubFactory> stubs_;
  std::unique_ptr<GuardExits> guard_exits_;
  std::unique_ptr<Stress> stress_;
  ThreadRegistry threads_;
  std::unique_ptr<Handshake> handshake_;
  std::unique_ptr<LoopPolls> polls_;
  std::unique_ptr<Requests> requests_;
  FollowUps follow_ups_;
  std::unique_ptr<Reclaimer> reclaimer_;
  std::unique_ptr<StressTarget> stress_target_;
  std::unique_ptr<AsyncStress> async_stress_;
  std::unique_ptr<Churn> churn_;
  std::unique_ptr<Ticker> loop_stress_;
  std::unique_ptr<TierUp> tier_up_; ///< null: no policy
  std::unique_ptr<StackSampler> sampler_;
  std::unique_ptr<Ticker> sampling_;
  std::unique_ptr<RequestQueue> queue_;
  std::unique_ptr<ReclaimLoop> reclaim_loop_;
  TurnMutex mutex_; ///< guards all tables above except those that say that they need none
  Bodies bodies_;
  /// By entry: where calls go, 0 while it is not compiled.
  std::vector<std::atomic<std::uint64_t>> entry_code_;
  Undisturbed *around_fork_ = nullptr; ///< of the thread that forks
};

} // namespace osr
