// A program that is compiled in both tiers and run between the two ends of osr_calls.h, while the test says which of
// its frames are replaced.
#pragma once

#include "osr-stubs/thread_state.h"
#include "osr_calls.h"
#include "runtime/engine/engine.h"

#include <llvm/IR/LLVMContext.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace osr {

/// An engine without a runtime's policy.
class OsrProgram {
public:
  explicit OsrProgram(const std::string &text, StubKind stubs = StubKind::Generated,
                      Mechanism mechanism = Mechanism::ReturnPc, bool shadow_stack = false);
  ~OsrProgram();

  /// Called for each call of `ext`; returns what the program gets.
  std::function<std::uint64_t(std::uint64_t argument)> on_ext;

  /// Inside on_ext: makes the return into the activation at `depth` (0: the caller of ext) go through a stub. With
  /// patched return points all activations at its site go there, until restore().
  void replace(std::size_t depth, Landing landing);
  void restore();
  /// The stub that the activation will go to, or 0.
  std::uint64_t stub_of(const Frame &frame) const { return engine_->redirector().stub_of(frame); }
  /// Inside on_ext: the activations of the program, newest first.
  std::vector<Frame> stack() const;
  /// Of walks through the program, which is running.
  StackBounds bounds() const { return {.base = guard_.cfa, .end = guard_.cfa}; }

  /// Calls of `name` lead to this tier from now on.
  void use(const std::string &name, Tier tier);
  /// Calls the function; checks that all callee-saved registers, rsp and the object stack come out as they went in.
  std::uint64_t run(const std::string &name, std::uint64_t first, std::uint64_t second = 0, double real = 0,
                    void *memory = nullptr);

  FunctionId id(const std::string &name) const;
  const Version &version(const std::string &name, Tier tier, std::optional<std::uint32_t> continuation = {});
  /// The only record of a version at which `site` is the innermost frame.
  SiteRecord record(const Version &version, SiteId site) const;

  Engine &engine() { return *engine_; }
  Compiler &compiler() { return engine_->compiler(); }
  StubFactory &stubs() { return engine_->stubs(); }
  llvm::Expected<const ReturnStub *> make_stub(std::uint64_t return_pc, Landing landing);
  const ReturnPointTable &return_points() { return *engine_->return_points(); }
  const Statistics &statistics() const { return engine_->statistics(); }

  /// The program called ext.
  std::uint64_t probed(ProbeFrame &frame, std::uint64_t argument);

private:
  llvm::LLVMContext context_;
  std::unique_ptr<Engine> engine_;
  std::optional<ObjectStack> object_stack_;
  GuardedCall guard_;
  ProbeFrame *probe_ = nullptr; ///< while ext runs
};

} // namespace osr
