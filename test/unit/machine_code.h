// A function of machine instructions, written as text.
#pragma once

#include <llvm/CodeGen/MachineFunction.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

namespace llvm {
class MachineFunctionPass;
class MachineModuleInfoWrapperPass;
} // namespace llvm

namespace osr {

/// The function has a spill slot %stack.0 at rbp-24 and another, %stack.1, at rbp-32. `body` is its first block and, if it
/// says so, others; a return follows. There is a function @ext to call; !0 marks the call of record 0.
class MachineCode {
public:
  explicit MachineCode(const std::string &body);
  ~MachineCode();

  llvm::MachineFunction &function() const { return *function_; }
  llvm::Register reg(llvm::StringRef name) const;
  /// Runs one machine pass over the function.
  void run(llvm::MachineFunctionPass &pass);

private:
  llvm::LLVMContext context_;
  std::unique_ptr<llvm::TargetMachine> machine_;
  std::unique_ptr<llvm::Module> module_;
  std::unique_ptr<llvm::MachineModuleInfoWrapperPass> info_;
  llvm::MachineFunction *function_ = nullptr;
};

} // namespace osr
