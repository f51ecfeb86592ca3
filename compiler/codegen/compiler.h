// The compiler as the runtime sees it: canonical program in, linkable versions of single functions out.
#pragma once

#include "compiler/base/engine_lock.h"
#include "compiler/canonical/canonical_program.h"
#include "compiler/canonical/observe_variables.h"
#include "compiler/codegen/cached_steps.h"
#include "compiler/codegen/code_generator.h"
#include "compiler/codegen/codegen_report.h"
#include "compiler/codegen/compile_gate.h"
#include "compiler/codegen/emit_object.h"
#include "compiler/codegen/local_names.h"
#include "compiler/codegen/move_module.h"
#include "compiler/codegen/numbered_lines.h"
#include "compiler/codegen/pending_compile.h"
#include "compiler/sites/map_sites.h"
#include "compiler/sites/poll_places.h"
#include "compiler/tiers/assumptions.h"
#include "compiler/tiers/extract.h"
#include "compiler/tiers/lower_sites.h"
#include "compiler/tiers/speculations.h"

#include <llvm/ADT/SetVector.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/Linker/IRMover.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace osr {

/// Local objects of one function that are alive at a site: where each lies from their beginning.
struct LocalObjects {
  struct Object {
    std::string name; ///< as the front end called it, if it did
    std::uint64_t offset = 0, size = 0;
  };
  std::uint32_t frame = 0; ///< the value of the frame state that is the address of that
  std::uint64_t size = 0, align = 1;
  std::vector<Object> objects; ///< ascending
};

/// One compiled version of one function, not yet linked.
struct CompiledVersion {
  VersionKey key;
  std::string symbol;                         ///< of its entry in `object`
  std::unique_ptr<llvm::MemoryBuffer> object; ///< ELF
  LoweredSites sites;
  CodegenReport report;
  std::map<std::uint32_t, std::string> fallbacks; ///< records that needed another form, and why
  Speculations speculations;
  bool is_from_cache = false;                 ///< its code generation was done before
  double seconds = 0;                         ///< time it took to compile

  void take(CachedSteps::Emitted emitted) {
    object = std::move(emitted.object);
    report = std::move(emitted.report);
    is_from_cache = emitted.is_from_cache;
  }
};

/// How many activations of one version there are; count_residence.h says how exactly.
using ResidenceCounter = std::atomic<std::uint64_t>;
struct HeatCounter; // compiler/tiers/count_heat.h
class Profile;      // compiler/tiers/profile.h

/// What the code of one version counts in; each must live longer than the code. Null: it does not count that.
struct CodeCounters {
  const ResidenceCounter *residents = nullptr;
  const HeatCounter *heat = nullptr; ///< baseline only
};

/// Compiles versions of the functions of one canonical program, whose bodies may be replaced (redefine.cpp).
/// Deterministic: the same calls in the same order give the same code. What needs no lock may be called in any thread.
/// Example:
///
///     auto compiler = cantFail(Compiler::create(std::move(program), {.object_stack_offset = offset}));
///     auto version = compiler->compile({.function = 3, .tier = Tier::Baseline});
class Compiler {
public:
  struct Options {
    std::int64_t object_stack_offset = 0; ///< of the thread's object stack top from the thread pointer, in bytes
    /// Of the thread's poll word, likewise. Nothing: loops get no polls.
    std::optional<std::int64_t> poll_word_offset = {};
    /// With a poll word: baseline code polls in all loops, so that its activations soon come to a site.
    bool baseline_polls_everywhere = false;
    bool verify_each_pass = false; ///< check every frame state after every optimisation pass, and modules in between
    bool patchable_returns = false; ///< the code at return PCs can be replaced by a jump
    bool assume = true; ///< false: optimised code rests on no guard
    /// Baseline code counts what happens, and optimised code is made for what always did, where it was counted at least
    /// so often. Nothing: neither.
    std::optional<std::uint32_t> speculate_after = {};
    /// Functions are optimised one by one, each with what may be inlined into it, never the program as a whole.
    bool optimize_apart = false;
    /// Pointers of these address spaces are references (compiler/sites/references.h). Then all code polls at its
    /// beginning and in each loop, so that a thread soon comes to where a collector finds them.
    std::vector<unsigned> reference_spaces = {};
    ProcessorChoice processor = {}; ///< of choose_processor()
    std::shared_ptr<CompileCache> cache = {}; ///< may be null
    bool sites = true; ///< false: plain LLVM of the same canonical IR, for comparison only
  };

  static llvm::Expected<std::unique_ptr<Compiler>> create(CanonicalProgram program, Options options);
  ~Compiler();

  const CanonicalProgram &program() const { return program_; }
  const Options &options() const { return options_; }

  /// Gives the function its sites, if it has none yet; so does everything here that makes something of it. False: it had them.
  bool number(FunctionId function) OSR_REQUIRES(engine_lock);
  void number_all() OSR_REQUIRES(engine_lock);
  /// With its sites.
  const FunctionInfo &numbered(FunctionId function) OSR_REQUIRES(engine_lock) {
    number(function);
    return program_.functions[function];
  }

  /// Compiles one version. Fails with a reason; never returns a version with a wrong or missing record.
  llvm::Expected<CompiledVersion> compile(const VersionKey &key, const CodeCounters &counters = {})
      OSR_REQUIRES(engine_lock);

  /// The same in two steps, for the optimised tier: the second may be in any thread, beside everything else that is
  /// done with the compiler. Changes of the program wait for it; it fails if they came before it.
  llvm::Expected<PendingCompile> begin(const VersionKey &key) OSR_REQUIRES(engine_lock);
  llvm::Expected<CompiledVersion> finish(PendingCompile &pending) const;
  /// The program, or what code may rest on, has changed since it was begun: the version is not to be used. Thread-safe.
  bool is_outdated(const PendingCompile &pending) const { return pending.generation != generation_; }
  /// The guards from which finish() found no way on are not assumed any more. The version is outdated if there are any.
  void drop_refused_exits(const CompiledVersion &version) OSR_REQUIRES(engine_lock);
  bool keeps_results() const { return steps_.has_cache(); }
  /// From now on what LLVM makes is kept there.
  void keep_results(std::shared_ptr<CompileCache> cache) OSR_REQUIRES(engine_lock);
  /// Locked while nobody may be in finish(): around a fork.
  CompileGate &gate() { return gate_; }

  /// Code that is compiled from now on does not rest on this guard: failed there, it goes on in optimised code.
  /// False: none did.
  bool drop_assumption(SiteId guard) OSR_REQUIRES(engine_lock);
  /// Code that is compiled from now on may rest on this guard.
  bool assumes(SiteId guard) const OSR_REQUIRES(engine_lock) { return assumptions_.holds(guard); }

  bool speculates() const { return profile_ != nullptr; }
  /// What the program's code calls by pointer, for speculation; in force until the compiler goes.
  void find_functions_by(std::function<std::optional<FunctionId>(std::uint64_t address)> function_at)
      OSR_REQUIRES(engine_lock);
  /// What was counted in baseline code of this body is not true any more.
  void count_anew(FunctionId body) OSR_REQUIRES(engine_lock);

  /// The object that defines the program's global variables and module-level assembly. Call once.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> compile_globals() OSR_REQUIRES(engine_lock);

  /// The function as it was written, by itself, as bitcode that prepare_body() takes; the program must have kept its
  /// source.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> source_of(FunctionId function) const OSR_REQUIRES(engine_lock);

  /// A new body of a function, checked and canonical, but not a part of the program yet.
  struct NewBody {
    FunctionInfo info; ///< with its sites; the id is the one that adopt_body() will give it
    std::unique_ptr<llvm::Module> module;
    llvm::StringSet<> variables; ///< its own; they are not in the module
    std::unique_ptr<llvm::MemoryBuffer> globals; ///< the object that defines them; null if there are none
    BodyEntries entries; ///< what it needs where it may be entered
    std::uint64_t first_name = 0; ///< of its own variables
    bool has_state =
        false; ///< some of these are more than constants that nobody else sees: made again they would be others
  };
  struct BodyMaking {
    bool is_enterable = false; ///< at its sites, by activations of another body (compiler/sites/variable_gates.h)
    std::map<std::string, PlacedObject> objects; ///< of that one; the same ones lie there too
    std::optional<std::uint64_t> first_name; ///< its own variables have the names that they had before
  };
  /// Reads bitcode or text IR that defines the function's name anew and no other function. Errors: invalid IR, another
  /// type or calling convention, an attribute that callers may rely on and that is gone, a variable that the program
  /// defines. Local variables of the new module are new ones. Nothing of the program changes.
  llvm::Expected<NewBody> prepare_body(FunctionId function, llvm::MemoryBufferRef ir, const BodyMaking &making)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<NewBody> prepare_body(FunctionId function, llvm::MemoryBufferRef ir) OSR_REQUIRES(engine_lock) {
    return prepare_body(function, ir, BodyMaking());
  }
  /// What is known of the variables of a body that was made in this way.
  struct DescribedBody {
    FunctionSource source;
    std::vector<SourceType> types;
  };
  llvm::Expected<DescribedBody> describe_body(FunctionId body, llvm::MemoryBufferRef ir, const BodyMaking &making)
      OSR_REQUIRES(engine_lock);
  /// From now on the program's calls of `function` mean the new body, in all code that is compiled. The old body stays,
  /// under another name and its own id.
  FunctionId adopt_body(FunctionId function, NewBody body) OSR_REQUIRES(engine_lock);
  /// The program only declares the function from now on. The body stays, under another name and its own id.
  void withdraw_body(FunctionId function) OSR_REQUIRES(engine_lock);
  /// Undoes adopt_body(): calls that meant `now` mean `wanted`.
  void make_current(FunctionId wanted, FunctionId now) OSR_REQUIRES(engine_lock);
  /// Forgets a body that no call means, of which there is no code, and which no site record mentions. Its id is used
  /// again.
  void drop_body(FunctionId body) OSR_REQUIRES(engine_lock);
  /// Functions whose optimised code may rest on what the optimiser saw in the body of `function`: by inlining it, or by
  /// what it found out about it, however far the calls lead. In no order; may contain `function`.
  std::vector<FunctionId> dependents(FunctionId function) const OSR_REQUIRES(engine_lock);

  /// A module that is to become a part of the program, checked and canonical, but not a part of it yet.
  struct NewModule {
    std::unique_ptr<llvm::Module> module; ///< functions only
    std::vector<FunctionInfo> functions; ///< with the ids that adopt_module() will give them
    std::unique_ptr<llvm::MemoryBuffer> globals; ///< the object that defines its variables; null if there are none
    std::vector<std::string> variables;
    std::vector<Alias> aliases;
    std::vector<StaticAction> constructors, destructors;
  };
  /// Takes a module of any context, which nobody else may use meanwhile. Its local names become ones that nobody else
  /// has; of weak definitions the first one counts. Errors: what canonicalize() refuses, a name that is defined
  /// already. Nothing of the program changes.
  llvm::Expected<NewModule> prepare_module(std::unique_ptr<llvm::Module> module) OSR_REQUIRES(engine_lock);
  /// From now on the program has these functions. Nothing else may have been added since it was prepared. Declarations
  /// of the same names mean them.
  void adopt_module(NewModule module) OSR_REQUIRES(engine_lock);
  /// The declaration of a function that was withdrawn goes. False: something still calls it.
  bool forget_declaration(llvm::StringRef function) OSR_REQUIRES(engine_lock);
  /// Of a function whose declaration is gone. True: the next local function of that name in its module gets its name, and its entry.
  bool give_back_name(llvm::StringRef function) OSR_REQUIRES(engine_lock) {
    return local_names_.give_back_function(function);
  }
  /// Of a module whose functions have been dropped, and whose variables are gone. False: something still names one of
  /// them.
  bool forget_variables(llvm::ArrayRef<std::string> variables) OSR_REQUIRES(engine_lock);
  /// What the program refers to by `from`, which nobody defines, is `to` from here on.
  void rename_declaration(llvm::StringRef from, llvm::StringRef to) OSR_REQUIRES(engine_lock);
  /// A function, variable or alias of that name is the program's own.
  bool defines(llvm::StringRef name) const OSR_REQUIRES(engine_lock);

  /// The canonical code of a body, with its sites.
  const llvm::Function &code_of(FunctionId body) OSR_REQUIRES(engine_lock) {
    number(body);
    return canonical(body);
  }
  /// Local objects in memory, which the function's beginning makes. Nothing: none is used behind the site.
  std::optional<LocalObjects> objects_at(SiteId site) const OSR_REQUIRES(engine_lock);
  /// Its result is nothing, an integer or a pointer, in one register.
  bool returns_in_word(FunctionId function) const OSR_REQUIRES(engine_lock);

  /// The IR of one version as it goes into the code generator.
  llvm::Expected<std::string> print_ir(const VersionKey &key) OSR_REQUIRES(engine_lock);

private:
  Compiler(CanonicalProgram program, Options options);
  struct LoweredModule {
    std::unique_ptr<llvm::Module> module;
    LoweredSites sites;
  };

  ReturnPoints return_points() const {
    return options_.patchable_returns ? ReturnPoints::Patchable : ReturnPoints::Plain;
  }
  std::string local_name(const llvm::Module &module, const llvm::GlobalObject &object);
  void fit_added_variables(llvm::Module &module, const llvm::StringSet<> &before);
  llvm::Error fit_names(llvm::Module &module);
  llvm::Error fit_aliases(llvm::Module &module);
  void assign_ids(CanonicalProgram &added) const;
  llvm::Error number_added(NewModule &added) const;
  /// The functions have their ids.
  void put_lines(llvm::Module &module, llvm::MutableArrayRef<FunctionInfo> functions,
                 llvm::StringMap<TakenLines> &taken);
  /// Bodies of the program are others now.
  void program_changed();
  void put_aside(FunctionId function);
  void merge(std::unique_ptr<llvm::Module> module);
  /// A new body in canonical form, in a context of its own.
  struct ReadBody {
    llvm::LLVMContext context;
    CanonicalProgram program;
    Gates gates; ///< whose marks it has
    std::string problem; ///< or why it has none
    std::uint64_t first_name = 0;
    bool has_state = false; ///< NewBody::has_state
    std::vector<std::vector<ObservedPart>> observed; ///< observe_variables()
  };
  enum class Observe : std::uint8_t { No, Yes };
  llvm::Expected<std::unique_ptr<ReadBody>> read_body(llvm::MemoryBufferRef ir, llvm::StringRef name,
                                                      const BodyMaking &making, DebugInformation debug,
                                                      Observe observe = Observe::No);
  static void make_enterable(ReadBody &read, llvm::Function &function, const BodyMaking &making);
  void number_entered_sites(ReadBody &read, llvm::Function &defined, NewBody &body) const;
  void keep_recursive_calls(llvm::Module &module) const;
  void insert_own_sites(llvm::Function &function, FunctionInfo &info, InlinedCalls &calls) const;
  void insert_own_sites(CanonicalProgram &program) const;
  void number_sites(llvm::Function &function, FunctionInfo &info) const;
  llvm::SmallSetVector<const llvm::Function *, 16> numbered_candidates(FunctionId function) OSR_REQUIRES(engine_lock);
  llvm::Error check_references(const CanonicalProgram &program) const;
  std::string symbol_of(const VersionKey &key) const;
  enum class Globals : std::uint8_t { OfProgram, OfBody };
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> compile_globals(const llvm::Module &module, Globals which);
  void lower_thread_words(llvm::Module &module) const;
  llvm::Function &canonical(FunctionId function) const;
  void number_and_check(const VersionKey &key) OSR_REQUIRES(engine_lock);
  /// LLVM's verifier, as an error that names the stage. Input was verified when it was read; what is made of it is
  /// checked once more only where each pass is, for that costs a tenth of a start.
  llvm::Error check_module(const llvm::Module &module, llvm::StringRef stage) const;
  llvm::Error not_compiled(const VersionKey &key, llvm::Error error) const;
  llvm::Expected<LoweredModule> lower_baseline(const VersionKey &key, llvm::StringRef symbol,
                                               const HeatCounter *heat = nullptr) OSR_REQUIRES(engine_lock);
  // compile_optimized.cpp
  llvm::Error optimize_program() OSR_REQUIRES(engine_lock);
  llvm::Error optimize_module(std::unique_ptr<llvm::Module> &module, CodeGenerator &generator) const;
  void apply_assumptions(llvm::Module &module) const;
  bool is_compiled_apart(const VersionKey &key) const;
  llvm::Expected<PendingCompile> prepare(const VersionKey &key) OSR_REQUIRES(engine_lock);
  llvm::Expected<PendingCompile> take_apart(const VersionKey &key) OSR_REQUIRES(engine_lock);
  llvm::Error optimize_pending(PendingCompile &pending, CodeGenerator &generator) const;
  std::unique_ptr<llvm::Module> copy_optimized(const PendingCompile &pending) const;
  llvm::Expected<LoweredModule> lower_optimized(const PendingCompile &pending, const ForcedForms &forced) const;
  llvm::Expected<CompiledVersion> make_version(PendingCompile &pending, const ResidenceCounter *residents,
                                               CodeGenerator &generator) const;
  llvm::Expected<CompiledVersion> compile_baseline(const VersionKey &key, const CodeCounters &counters)
      OSR_REQUIRES(engine_lock);
  llvm::Expected<CompiledVersion> compile_optimized(const VersionKey &key, const ResidenceCounter *residents);

  CanonicalProgram program_;
  Options options_;
  CachedSteps steps_;
  mutable CompileGate gate_; ///< finish() is inside; whoever changes the program locks it
  std::atomic<std::uint64_t> generation_ = 0; ///< of the program and the assumptions
  std::unique_ptr<CodeGenerator> fast_, optimizing_;
  mutable CodeGeneratorPool for_threads_{return_points(), options_.processor}; ///< of finish()
  std::unique_ptr<llvm::Module> optimized_program_; ///< O2 of the whole program; made when first needed
  std::vector<llvm::Function *> functions_; ///< canonical definitions by id
  InlinedCalls inlined_calls_; ///< as long as the program stays as it is
  std::map<FunctionId, std::set<SiteId>> exits_; ///< of the optimised program
  Assumptions assumptions_;
  std::unique_ptr<Profile> profile_; ///< null: no speculation
  SpeculativeCalls speculative_calls_;
  std::set<FunctionId> not_in_optimized_program_; ///< they have changed, or something that they rest on
  LoopProperties loop_properties_;
  NumberedLines lines_; ///< in the program's context
  mutable IndependentMetadata shared_metadata_; ///< of the program's context; for its owner's thread
  std::vector<FunctionId> free_ids_; ///< of bodies that were dropped
  llvm::StringSet<> added_variables_; ///< of modules that came later: the program's module only declares them
  std::unique_ptr<llvm::IRMover> mover_; ///< knows the program's types; made when something is added
  std::uint64_t next_symbol_ = 0;
  LocalNames local_names_;
};

/// Removes the frame states: they have no meaning for plain code.
void strip_frame_states(llvm::Function &function);

} // namespace osr
