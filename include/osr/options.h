// What the host of a program may choose when it makes a runtime.
#pragma once

#include "osr/deoptimize.h"
#include "osr/policy.h"
#include "osr/tier.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
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

/// A socket through which `osrctl attach` and other clients of the same user look at the running program, and change which
/// code it runs (docs/control.md). It takes one more thread, asleep while nobody talks.
struct ControlOptions {
  std::string program; ///< what clients are told that this process runs
  bool read_only = false; ///< they may look, and change nothing
  bool required = false; ///< the runtime fails to begin if there can be no socket; false: there is none then
};

/// All of it has defaults. Example: {.tier = Tier::Baseline}.
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
  std::vector<std::string> optimize_only; ///< not empty: all other functions stay at the baseline tier
  std::vector<HostSymbol> host_symbols; ///< functions and data of the host that the program may name
  /// A function is called that cannot be compiled: what it, or something that it refers to, lacks is in `reason`. Returns the
  /// address of a function of the host of the same type, which is called instead; 0: cannot_go_on. In
  /// the thread that calls, with the runtime's lock held: it may not use a runtime.
  std::function<std::uint64_t(llvm::StringRef function, llvm::StringRef reason)> compile_failed;
  /// A thread cannot go on: it calls a function that cannot be compiled, and there is no other instead; or a guard has failed whose
  /// activation cannot leave optimised code, or that nobody takes (deoptimize). Called in that thread, with no lock held. It may
  /// leave by longjmp to where the host called, or by an exception that the functions on the way let pass. When it returns, or
  /// is null, the process ends: with the reason as a message, and status 1.
  std::function<void(llvm::StringRef reason)> cannot_go_on;
  /// Address spaces whose pointers are references that a collector of the host's looks after (osr/safepoint.h).
  std::vector<unsigned> reference_spaces;
  SlabSizes slabs; ///< the memory for code and what belongs to it
  Fault fault; ///< for tests of tests
  StopOptions stops;
  std::optional<ControlOptions> control; ///< nothing: no socket; a process can have one
  /// Asked once whether the processor keeps a second copy of return PCs; null: the kernel is. For tests.
  bool (*has_shadow_stack)() = nullptr;
};

} // namespace osr
