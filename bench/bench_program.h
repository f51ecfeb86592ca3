// A program of ours without a runtime's policy: the benchmark says which code runs and which frames are replaced.
#pragma once

#include "osr-stubs/thread_state.h"
#include "runtime/engine/engine.h"

#include <llvm/IR/LLVMContext.h>

#include <memory>
#include <string>
#include <vector>

namespace osr {

class BenchProgram {
public:
  /// `symbols` are functions of the host that the program may call. Errors end the process.
  BenchProgram(const std::string &ir, const std::vector<AbsoluteSymbol> &symbols);
  ~BenchProgram();

  const Version &version(const std::string &name, Tier tier);
  /// Entry of the stub that replaces the activation with this return PC.
  std::uint64_t stub(std::uint64_t return_pc, Landing landing, StubKind kind);

private:
  llvm::LLVMContext context_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<StubFactory> interpreted_; ///< the engine's own are generated
  VersionMaker interpreting_maker_;
  ObjectStack object_stack_;
};

} // namespace osr
