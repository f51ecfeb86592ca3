// What the host of a program may choose when it makes a runtime.
#pragma once

#include "osr/compile_cache.h"
#include "osr/deoptimize.h"
#include "osr/listener.h"
#include "osr/policy.h"
#include "osr/tier.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace osr {

/// A function or variable of the host: name and address.
using HostSymbol = std::pair<std::string, std::uint64_t>;

/// Transitions that are forced, to show that none changes what a program does.
struct StressMode {
  enum class Kind : std::uint8_t {
    None,
    Every,  ///< each Nth call: the return into the caller goes to the other tier
    All,    ///< each Nth call: so does the return into every frame of the stack
    Random, ///< a seeded mix of the above
    Loops,  ///< N times a second: the next poll of each thread sends the frame it is in to another tier
    Polls,  ///< each Nth poll of a loop does
    Async,  ///< N times a second: a random function goes to a random tier in all threads, wherever they are
    Churn,  ///< N times a second: a random function is compiled anew, replaced, redefined, or old code is freed
    At,     ///< only returns to one site, or to any site of one function, polls among them
  };
  Kind kind = Kind::None;
  std::uint64_t number = 1;  ///< N, or the seed
  std::string function;              ///< At
  std::optional<std::uint32_t> site; ///< At: nothing means every site of the function

  /// Parses what `forms` lists. The error names what is wrong.
  static llvm::Expected<StressMode> parse(llvm::StringRef text);
  static constexpr const char *forms =
      "none, every, every:N, all:N, random:SEED, async:HZ, churn:HZ, loops:HZ, polls:N, at:FUNCTION, at:FUNCTION#SITE";

  /// Something happens at calls of program functions: all of them have to come by.
  bool acts_at_calls() const;
  bool acts_at_polls() const { return kind == Kind::Loops || kind == Kind::Polls || kind == Kind::At; }
};

/// How compiled code calls functions of the program.
enum class CallKind : std::uint8_t {
  Slot,   ///< through a word for each function
  Direct, ///< straight to the code; all sites are rewritten when that changes, in stops that are made in any case
};

/// How activations get to their stubs.
enum class Mechanism : std::uint8_t {
  ReturnPc,    ///< return PCs are rewritten
  ReturnPoint, ///< code at return PCs is patched
};

/// How stubs are executed.
enum class StubKind : std::uint8_t {
  Generated,   ///< specialised code per site
  Interpreted, ///< generic trampoline and interpreter: the reference
};

/// How the runtime finds out that nothing leads into old code any more.
enum class Freeing : std::uint8_t {
  /// All threads are stopped, and their stacks are looked at. Calls cost nothing.
  StackEvidence,
  /// Each version counts its activations; threads are stopped only when the count is zero, to be sure, and once in a
  /// while when it is not, because activations that end by longjmp are never counted down. Each call costs two atomic
  /// operations. Frames cannot be rewritten: the count would be wrong. It exists for comparison.
  ResidenceCounting,
};

/// Of the memory for code and what belongs to it, in bytes; rounded up to pages. Address space only: memory is used when it
/// is written.
struct SlabSizes {
  std::uint64_t code = std::uint64_t(256) << 20;
  std::uint64_t read_only = std::uint64_t(256) << 20;
  std::uint64_t data = std::uint64_t(256) << 20;
};

/// One thing that is made wrong on purpose, once per run: the `number`th of its kind that a transition is planned from.
struct Fault {
  enum class Kind : std::uint8_t {
    None,
    Record, ///< a record names the wrong place of one value of the old frame
    Slot, ///< two values of a new baseline frame change places
    CalleeSaved, ///< the wrong save slot is read for a register of the old frame's caller
  };
  Kind kind = Kind::None;
  std::uint32_t number = 1;

  /// Reads `record:N`, `slot:N` or `callee-saved:N`, N from 1. The error names what is wrong.
  static llvm::Expected<Fault> parse(llvm::StringRef text);
};

/// One time that threads were stopped.
struct StopPause {
  std::chrono::steady_clock::time_point asked, stopped, resumed;
  llvm::ArrayRef<pid_t> threads; ///< those that were stopped
};

/// How the program's threads are stopped.
struct StopOptions {
  int signal_number =
      SIGRTMAX - 2; ///< real-time; the same in all runtimes of the process; the program cannot use or block it
  std::chrono::milliseconds limit{2000}; ///< how long a thread may take to stop
  /// Hears of each pause afterwards, in the thread that asked for it. May be null.
  std::function<void(const StopPause &)> observer;
};

/// When optimising a function is not worth it any more: then it stays in the code that it has, a request for better code
/// fails, and the reason is told (Listener, Statistics::functions_not_optimized). Nothing: there is no such limit.
struct CompileLimits {
  std::optional<std::size_t> most_instructions; ///< of LLVM IR in its body; what is inlined does not count
  /// That all of its optimised code may have taken to compile: what is begun before is finished.
  std::optional<std::chrono::milliseconds> most_time;
  /// How often its optimised code may go out of use because guards failed: each time one that failed most_guard_failures
  /// times.
  std::optional<std::uint64_t> most_failures;
};

/// A socket through which `osrctl attach` and other clients of the same user look at the running program, and change which
/// code it runs (docs/control.md). It takes one more thread, asleep while nobody talks.
struct ControlOptions {
  std::string program; ///< what clients are told that this process runs
  bool read_only = false; ///< they may look, and change nothing
  bool required = false; ///< the runtime fails to begin if there can be no socket; false: there is none then
};

/// All of it has defaults. Example: {.tier = Tier::Baseline}. Creating a runtime fails with ErrorCode::Invalid if a choice is not one of
/// those here, or does not go with the others.
struct RuntimeOptions {
  Tier tier = Tier::Optimized; ///< of the code that calls enter
  TierUpOptions tier_up; ///< with a policy: calls enter baseline code first, whatever `tier` says
  StressMode stress;
  CallKind calls = CallKind::Direct;
  /// Under a shadow stack it is always ReturnPoint.
  Mechanism mechanism = Mechanism::ReturnPc;
  StubKind stubs = StubKind::Generated;
  bool verify_each_pass = false;
  bool sites = true; ///< false: plain code without sites, for comparison
  bool loop_sites = true; ///< false: loops without calls cannot be left, and pay nothing for it
  bool assume_guards = true; ///< false: optimised code stays where a guard fails, and goes on there
  /// Baseline code counts which way branches go and what is called by pointer; what was so each time, and at least so often,
  /// is what optimised code is made for. Nothing: it is not. Nor is it in programs that may handle signals, unless the host
  /// links osr::interposed_calls, or if guards are not assumed or activations counted.
  std::optional<std::uint32_t> speculate_after;
  std::uint64_t most_guard_failures = 3; ///< then code is compiled without the assumption
  DeoptimizeHandler deoptimize; ///< the embedder's interpreter; null: bundles name their continuations
  Freeing freeing = Freeing::StackEvidence;
  bool keep_source = false; ///< for Runtime::source_of
  bool compile_ahead = false; ///< compile every function before the program starts
  std::vector<std::string> libraries; ///< loaded before the program is linked
  /// Not empty: all other functions stay at the baseline tier, unless Runtime::replace asks for another one. Of a program that grows
  /// they may come later.
  std::vector<std::string> optimize_only;
  std::vector<HostSymbol>
      host_symbols; ///< functions and data of the host that the program may name, as by Runtime::define
  /// Gives the address of a name that no module defines, and neither host_symbols nor Runtime::define give; nothing: it is
  /// unknown. Asked when functions that use the name are compiled, or variables that do are added; about a name that it
  /// knows, once. In the thread that does so, with the runtime's lock held: it may not use a runtime. An exception is said
  /// (`message`), here and in compile_failed and listener, and taken for no answer.
  std::function<std::optional<std::uint64_t>(llvm::StringRef name)> resolve;
  /// What nobody knows then is looked up in the process and its libraries, as dlsym does. False, for a program that grows:
  /// it is not, except what code generators call by themselves (memcpy, sin and the like), and the program gets none of the
  /// functions that the runtime has in place of the C library's (pthread_create, sigaction, dlsym...).
  bool process_symbols = true;
  /// A function is called that cannot be compiled: what it, or something that it refers to, lacks is in `reason`. Returns the
  /// address of a function of the host of the same type, which is called instead; 0: cannot_go_on. In
  /// the thread that calls, with the runtime's lock held: it may not use a runtime.
  std::function<std::uint64_t(llvm::StringRef function, llvm::StringRef reason)> compile_failed;
  /// A thread cannot go on: it calls a function that cannot be compiled, and there is no other instead; or a guard has failed whose
  /// activation cannot leave optimised code, or that nobody takes (deoptimize). Called in that thread, with no lock held. It may
  /// leave by longjmp to where the host called, or by an exception that the functions on the way let pass. When it returns, or
  /// is null, the process ends: with the reason as a message, and status 1.
  std::function<void(llvm::StringRef reason)> cannot_go_on;
  CompileLimits limits;
  /// What LLVM has made before is taken from here; may be shared by runtimes. Null: all is made anew. Baseline code that counts what is
  /// called and where branches go (speculate_after) has addresses of the process in it, and is made anew in any case.
  std::shared_ptr<CompileCache> compile_cache;
  /// Code is for this processor, in LLVM's words ("native", "x86-64-v3"), and uses these features ("+avx2,-bmi"), where
  /// functions do not bring features of their own as attributes. Empty: for every processor of its kind. Creating a runtime
  /// fails if one of them is unknown, or is what this processor lacks.
  std::string target_cpu, target_features;
  /// The same calls of the same program make the same code and the same transitions in every run: the thread that makes a
  /// function hot compiles it. When old code is freed, and the listener hears of it, is not among that. Threads, and exceptions on their way through frames that wait, apart. No handler of a signal
  /// may call functions of the program then. Not with a policy that samples, or stress modes and limits that go by time.
  bool deterministic = false;
  /// The name of an environment variable, "OSR_OPTIONS" say, whose text changes these options (change_options), for support
  /// cases; an error in it is one of creating the runtime. Empty: none is looked at.
  std::string environment;
  /// Gets what concerns the process and can be returned to nobody, as one line without its end: that a notice of a timer is
  /// lost, why the process is about to end. In whatever thread, with any lock held: it may write, and not use a runtime. All
  /// runtimes get it; if none has one, it goes to stderr.
  std::function<void(llvm::StringRef text)> message;
  Listener listener; ///< hears what the runtime does (osr/listener.h); null: nobody does, and it costs nothing
  /// Address spaces whose pointers are references that a collector of the host's looks after (osr/safepoint.h).
  std::vector<unsigned> reference_spaces;
  SlabSizes slabs; ///< the memory for code and what belongs to it
  Fault fault; ///< for tests of tests
  StopOptions stops;
  std::optional<ControlOptions> control; ///< nothing: no socket; a process can have one
  /// gdb shows variables from the start (docs/architecture/variables.md); the program is read once more for it. Only of a program
  /// that was read from files and compiled with -g: else creating the runtime fails.
  bool debug_info = false;
  /// Asked once whether the processor keeps a second copy of return PCs; null: the kernel is. For tests.
  bool (*has_shadow_stack)() = nullptr;
};

/// Changes options as words say that are separated by blanks: --tier TIER (auto, baseline, optimized), --tier-policy POLICY
/// (budget, counters, sampling), --tier-threshold N, --compile-threads N, --stress MODE, --speculate-after N, --calls KIND
/// (direct, slot), --rewrite KIND (return-pc, return-point), --target-cpu NAME, --target-features LIST, --no-assumptions,
/// --deterministic, --verify, --debug-info. They mean what they mean to osrctl run. The error names what is wrong; then nothing changes.
llvm::Error change_options(RuntimeOptions &options, llvm::StringRef text);

} // namespace osr
