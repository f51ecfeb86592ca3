#include "compiler/canonical/frame_state_bundle.h"

#include <llvm/IR/InstIterator.h>

using namespace llvm;

namespace osr {

SmallVector<CallBase *, 16> calls_with_frame_state(Function &function) {
  SmallVector<CallBase *, 16> calls;
  for (Instruction &instruction : instructions(function))
    if (auto *call = dyn_cast<CallBase>(&instruction); call && has_frame_state(*call))
      calls.push_back(call);
  return calls;
}

bool is_in_frame_state(const Use &use) {
  const auto *call = dyn_cast<CallBase>(use.getUser());
  return call && call->isBundleOperand(&use) &&
         call->getOperandBundleForOperand(use.getOperandNo()).getTagID() == LLVMContext::OB_deopt;
}

CallBase *drop_frame_state(CallBase &call) { return drop_bundle(call, LLVMContext::OB_deopt); }

CallBase *drop_bundle(CallBase &call, unsigned kind) {
  CallBase *bare = CallBase::removeOperandBundle(&call, kind, call.getIterator());
  bare->takeName(&call);
  bare->copyMetadata(call);
  call.replaceAllUsesWith(bare);
  call.eraseFromParent();
  return bare;
}

} // namespace osr
