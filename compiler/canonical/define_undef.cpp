#include "compiler/canonical/define_undef.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

/// The constant with zero for each undefined part; null when there is none.
Constant *defined(Constant &constant) {
  Type *type = constant.getType();
  if (isa<UndefValue>(constant))
    return Constant::getNullValue(type);
  if (isa<FixedVectorType>(type) && constant.containsUndefOrPoisonElement())
    return Constant::replaceUndefsWith(&constant, Constant::getNullValue(type->getScalarType()));
  return nullptr;
}

} // namespace

void define_undef(Function &function) {
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      if (!isa<PHINode, SelectInst, FreezeInst>(instruction))
        continue;
      for (Use &operand : instruction.operands())
        if (auto *constant = dyn_cast<Constant>(operand.get()))
          if (Constant *zero = defined(*constant))
            operand.set(zero);
    }
}

} // namespace osr
