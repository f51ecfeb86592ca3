// The "deopt" operand bundle of a call: a frame state, ours or a front end's.
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/LLVMContext.h>

#include <optional>

namespace osr {

inline std::optional<llvm::OperandBundleUse> frame_state_bundle(const llvm::CallBase &call) {
  return call.getOperandBundle(llvm::LLVMContext::OB_deopt);
}

inline bool has_frame_state(const llvm::CallBase &call) {
  return call.countOperandBundlesOfType(llvm::LLVMContext::OB_deopt) != 0;
}

/// The calls of a function that have one, in its order.
llvm::SmallVector<llvm::CallBase *, 16> calls_with_frame_state(llvm::Function &function);

/// Is that what a frame state does with the value?
bool is_in_frame_state(const llvm::Use &use);

/// Replaces a call by the same one without, which is returned.
llvm::CallBase *drop_frame_state(llvm::CallBase &call);

/// The same for its bundles of another kind (llvm::LLVMContext::OB_...).
llvm::CallBase *drop_bundle(llvm::CallBase &call, unsigned kind);

} // namespace osr
