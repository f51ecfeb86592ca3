// What LLVM reports about a program is neither the program's output nor ours: nothing of it goes to stderr.
#pragma once

#include <llvm/IR/DiagnosticHandler.h>
#include <llvm/IR/LLVMContext.h>

#include <memory>
#include <string>

namespace osr {

/// While one exists, the context's errors are collected, and remarks and warnings dropped: they never change the meaning
/// of a program. LLVM's own handler prints all of them, and ends the process at an error. The context has its handler
/// back afterwards, whatever happens.
class DiagnosticScope {
public:
  explicit DiagnosticScope(llvm::LLVMContext &context);
  ~DiagnosticScope() { context_.setDiagnosticHandler(std::move(saved_)); }
  DiagnosticScope(const DiagnosticScope &) = delete;
  DiagnosticScope &operator=(const DiagnosticScope &) = delete;

  /// Separated by "; ".
  const std::string &errors() const { return errors_; }
  void forget_errors() { errors_.clear(); }

private:
  llvm::LLVMContext &context_;
  std::unique_ptr<llvm::DiagnosticHandler> saved_;
  std::string errors_;
};

} // namespace osr
