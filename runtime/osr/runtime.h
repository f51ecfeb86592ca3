// The runtime of one program: compiled lazily, run, and its frames replaced while it runs.
#pragma once

#include "compiler/codegen/compiler.h"
#include "osr-stubs/enter_program.h"
#include "osr-stubs/entry_hook.h"
#include "osr-stubs/thread_state.h"
#include "runtime/code/entry_table.h"
#include "runtime/osr/startup_checks.h"
#include "runtime/osr/statistics.h"
#include "runtime/osr/stress.h"
#include "runtime/osr/stub_factory.h"
#include "runtime/osr/version_store.h"

#include <llvm/Support/Error.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// Owns everything that a running program needs. One per process, as the entry hook and the object stack are; used by
/// the thread that created it only. Example:
///
///     auto runtime = cantFail(Runtime::create(std::move(program), {.tier = Tier::Baseline}));
///     int status = cantFail(runtime->run_main({"program", "argument"}));
class Runtime {
public:
  struct Options {
    Tier tier = Tier::Optimized; ///< of the code that calls enter
    StressMode stress;
    StubKind stubs = StubKind::Generated;
    bool verify_each_pass = false;
    bool sites = true;                    ///< false: plain code without sites, for comparison
    bool compile_ahead = false;           ///< compile every function before the program starts
    std::vector<std::string> libraries;   ///< loaded before the program is linked
    std::vector<std::string> optimize_only; ///< not empty: all other functions stay at the baseline tier
    Fault fault;                          ///< for tests of tests
    bool (*has_shadow_stack)() = shadow_stack_is_active; ///< asked once; tests put something else here
  };

  /// Compiles the program's globals and gives every function its entry. Fails with a reason when a symbol cannot be
  /// resolved, a library not be loaded, or the machine's shadow stack forbids rewriting return PCs.
  static llvm::Expected<std::unique_ptr<Runtime>> create(CanonicalProgram program, Options options);
  ~Runtime();

  /// Runs static constructors, then main(argc, argv, environ), and returns main's result. Destructors of the program
  /// are registered with atexit. Fails when there is no main, or not one of that
  /// type.
  llvm::Expected<int> run_main(const std::vector<std::string> &arguments);

  const CanonicalProgram &program() const { return compiler_->program(); }
  const Statistics &statistics() const { return statistics_; }
  Compiler &compiler() { return *compiler_; }
  VersionStore &versions() { return *versions_; }
  CodeRegistry &registry() { return *registry_; }
  CodeSession &session() { return *session_; }

private:
  explicit Runtime(Options options) : options_(std::move(options)) {}
  llvm::Error set_up(CanonicalProgram program);
  llvm::Error define_program_symbols();
  llvm::Error link_globals();
  void count_program();
  std::uint64_t enter(EntryFrame &frame);
  Tier first_tier(FunctionId function) const;
  std::uint64_t code_for(FunctionId function);
  llvm::Error compile_all();
  llvm::Error run_actions(const std::vector<StaticAction> &actions);
  static std::uint64_t hook(EntryFrame *frame);

  Options options_;
  Statistics statistics_;
  std::unique_ptr<SlabArena> arena_;
  std::unique_ptr<CodeSession> session_;
  std::unique_ptr<CodeRegistry> registry_;
  std::unique_ptr<StubTable> stub_table_;
  std::unique_ptr<EntryTable> entries_;
  std::unique_ptr<Compiler> compiler_;
  std::unique_ptr<VersionStore> versions_;
  std::unique_ptr<StubFactory> stubs_;
  std::unique_ptr<Stress> stress_;
  std::optional<ObjectStack> object_stack_;
  std::vector<std::uint64_t> entry_code_; ///< by function: where calls go, 0 while it is not compiled
  ProgramBase base_;
};

} // namespace osr
