// Calls of a function that is known by its name.
#pragma once

#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>

namespace osr {

/// Null: it is no such call.
inline const llvm::CallInst *as_call_of(const llvm::Value *value, llvm::StringRef name) {
  const auto *call = llvm::dyn_cast<llvm::CallInst>(value);
  const llvm::Function *callee = call ? call->getCalledFunction() : nullptr;
  return callee && callee->getName() == name ? call : nullptr;
}
inline llvm::CallInst *as_call_of(llvm::Value *value, llvm::StringRef name) {
  return const_cast<llvm::CallInst *>(as_call_of(static_cast<const llvm::Value *>(value), name));
}

} // namespace osr
