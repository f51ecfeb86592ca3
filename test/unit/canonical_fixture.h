// What the tests of compiler/canonical share: text in, canonical program out, and a place to run it.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace osr {

class CanonicalFixture {
public:
  CanonicalFixture();

  llvm::LLVMContext &context() { return *context_; }
  llvm::TargetMachine &machine() { return *machine_; }

  /// Parses text IR; the text must be valid.
  std::unique_ptr<llvm::Module> parse(const std::string &text);

  /// Canonicalises text IR; must succeed.
  CanonicalProgram canonical(const std::string &text);

  /// Text of the error of canonicalising `text`; must fail.
  std::string refusal(const std::string &text);

  /// Runs the O2 pipeline.
  void optimize(llvm::Module &module);

private:
  std::unique_ptr<llvm::LLVMContext> context_;
  std::unique_ptr<llvm::TargetMachine> machine_;
};

/// All instructions of a kind, in order.
template <typename T> std::vector<T *> all(llvm::Function &function) {
  std::vector<T *> found;
  for (llvm::BasicBlock &block : function)
    for (llvm::Instruction &instruction : block)
      if (auto *match = llvm::dyn_cast<T>(&instruction))
        found.push_back(match);
  return found;
}

/// All calls of the function called `callee`, in order.
std::vector<llvm::CallBase *> calls_of(llvm::Function &function, llvm::StringRef callee);

std::string print(const llvm::Module &module);

/// Lowers the object stack, compiles the module and hands the address of `name` to `use`, with an object stack set up.
/// Requires that the stack is as deep after as before.
void run(std::unique_ptr<llvm::Module> module, llvm::TargetMachine &machine, const std::string &name,
         const std::function<void(void *)> &use);

} // namespace osr
