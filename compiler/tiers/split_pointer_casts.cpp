#include "compiler/tiers/split_pointer_casts.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>

using namespace llvm;

namespace osr {
namespace {

void cast_one_by_one(AddrSpaceCastInst &cast, const FixedVectorType &type) {
  IRBuilder<> builder(&cast);
  Value *all = PoisonValue::get(cast.getType());
  for (unsigned i = 0; i < type.getNumElements(); ++i) {
    Value *one = builder.CreateExtractElement(cast.getPointerOperand(), i);
    all = builder.CreateInsertElement(all, builder.CreateAddrSpaceCast(one, type.getElementType()), i);
  }
  cast.replaceAllUsesWith(all);
  cast.eraseFromParent();
}

} // namespace

void split_pointer_casts(Function &function) {
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (auto *cast = dyn_cast<AddrSpaceCastInst>(&instruction))
      if (const auto *type = dyn_cast<FixedVectorType>(cast->getType()))
        cast_one_by_one(*cast, *type);
}

} // namespace osr
