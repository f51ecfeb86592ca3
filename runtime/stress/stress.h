// Stress modes: transitions forced at calls of program functions, to show that no transition changes what a program
// does.
#pragma once

#include "osr-stubs/stub_frame.h"
#include "osr/options.h"
#include "runtime/engine/continuation_budget.h"
#include "runtime/engine/engine.h"

#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>
#include <random>

namespace osr {

/// For StressMode::Kind::At: the function's id; the error says why there can be no replacement there. Other kinds: 0.
llvm::Expected<FunctionId> find_stressed_function(const StressMode &mode, Compiler &compiler) OSR_REQUIRES(engine_lock);

/// Forces transitions from the entry hook, before the called function runs, and from polls; in registered threads.
class Stress final {
public:
  Stress(const StressMode &mode, FunctionId at_function, Engine &engine);

  /// A program function was called; `frame` holds the registers of its caller.
  void on_call(const EntryFrame &frame) OSR_REQUIRES(engine_lock);
  /// A loop polls; its return PC is in this slot.
  void on_poll(std::uint64_t return_pc_slot) OSR_REQUIRES(engine_lock);

private:
  /// True if any of them goes elsewhere now.
  bool redirect(llvm::ArrayRef<std::pair<Frame, std::uint64_t>> found) OSR_REQUIRES(engine_lock);
  bool flip_caller(std::uint64_t return_pc_slot) OSR_REQUIRES(engine_lock);
  /// Of the frames of the stack; Half: each by chance.
  enum class Share : std::uint8_t { All, Half };
  void flip_stack(const EntryFrame &frame, Share share) OSR_REQUIRES(engine_lock);
  /// The stub that takes an activation at this return PC to the other tier, or 0.
  std::uint64_t other_tier(std::uint64_t return_pc, std::uint64_t cfa) OSR_REQUIRES(engine_lock);
  bool is_wanted(const SiteRecord &record) OSR_REQUIRES(engine_lock);
  bool can_afford(std::uint64_t return_pc, const ReturnSite &site, Landing landing) OSR_REQUIRES(engine_lock);
  void count(const Refusal &why) OSR_REQUIRES(engine_lock) { ++statistics_.transitions.refused[describe(why)]; }

  StressMode mode_;
  FunctionId at_function_; ///< At: no_function until the program has it
  const CanonicalProgram &program_;
  VersionMaker &maker_;
  StubFactory &stubs_;
  const CodeRegistry &registry_;
  RegistryLookup lookup_;
  const StubTable &table_;
  FrameRedirector &redirector_;
  Statistics &statistics_;
  std::uint64_t calls_ OSR_GUARDED_BY(engine_lock) = 0, polls_ OSR_GUARDED_BY(engine_lock) = 0;
  ContinuationBudget budget_ OSR_GUARDED_BY(engine_lock);
  std::mt19937_64 random_ OSR_GUARDED_BY(engine_lock);
};

} // namespace osr
