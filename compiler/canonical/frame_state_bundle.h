// The "deopt" operand bundle of a call: a frame state, ours or a front end's.
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>

namespace osr {

/// The calls of a function that have one, in its order.
llvm::SmallVector<llvm::CallBase *, 16> calls_with_frame_state(llvm::Function &function);

/// Is that what a frame state does with the value?
bool is_in_frame_state(const llvm::Use &use);

/// Replaces a call by the same one without, which is returned.
llvm::CallBase *drop_frame_state(llvm::CallBase &call);

/// The same for its bundles of another kind (llvm::LLVMContext::OB_...).
llvm::CallBase *drop_bundle(llvm::CallBase &call, unsigned kind);

} // namespace osr
