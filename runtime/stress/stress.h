// Stress modes: transitions forced at calls of program functions, to show that no transition changes what a program
// does.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "runtime/engine/continuation_budget.h"
#include "runtime/engine/engine.h"

#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace osr {

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

  /// At: the function's id; the error says why there can be no replacement there. Other kinds: 0.
  llvm::Expected<FunctionId> find_function(const CanonicalProgram &program) const;
};

/// Forces transitions from the entry hook, before the called function runs, and from polls; in registered threads. Not
/// thread-safe.
class Stress final {
public:
  Stress(const StressMode &mode, FunctionId at_function, Engine &engine);

  /// A program function was called; `frame` holds the registers of its caller.
  void on_call(const EntryFrame &frame);
  /// A loop polls; its return PC is in this slot.
  void on_poll(std::uint64_t return_pc_slot);

private:
  /// True if any of them goes elsewhere now.
  bool redirect(llvm::ArrayRef<std::pair<Frame, std::uint64_t>> found);
  bool flip_caller(std::uint64_t return_pc_slot);
  void flip_all(const EntryFrame &frame, bool some);
  /// The stub that takes an activation at this return PC to the other tier, or 0.
  std::uint64_t other_tier(std::uint64_t return_pc, std::uint64_t cfa);
  bool is_wanted(const SiteRecord &record) const;
  bool can_afford(std::uint64_t return_pc, const ReturnSite &site, Landing landing);
  void refuse(std::string reason) { ++statistics_.transitions.refused[std::move(reason)]; }

  StressMode mode_;
  FunctionId at_function_;
  StubFactory &stubs_;
  const CodeRegistry &registry_;
  RegistryLookup lookup_;
  const StubTable &table_;
  FrameRedirector &redirector_;
  Statistics &statistics_;
  std::uint64_t calls_ = 0, polls_ = 0;
  ContinuationBudget budget_;
  std::mt19937_64 random_;
};

} // namespace osr
