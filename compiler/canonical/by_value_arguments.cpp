#include "compiler/canonical/by_value_arguments.h"

#include <llvm/IR/IRBuilder.h>

using namespace llvm;

namespace osr {
namespace {

/// Nothing read the parameter may have been inferred; now the copy reads it.
void admit_read(Function &function, Argument &parameter) {
  for (Attribute::AttrKind kind :
       {Attribute::ReadNone, Attribute::WriteOnly, Attribute::Initializes, Attribute::NoAlias, Attribute::Returned})
    parameter.removeAttr(kind);
  function.setMemoryEffects(function.getMemoryEffects() | MemoryEffects::argMemOnly(ModRefInfo::Ref));
}

void copy_parameter(Function &function, Argument &parameter) {
  const DataLayout &layout = function.getDataLayout();
  Type *type = parameter.getParamByValType();
  Align incoming = parameter.getParamAlign().value_or(layout.getABITypeAlign(type));
  Align alignment = std::max(incoming, layout.getABITypeAlign(type));
  BasicBlock &entry = function.getEntryBlock();
  IRBuilder<> builder(&entry, entry.getFirstInsertionPt());
  AllocaInst *copy = builder.CreateAlloca(type, nullptr, parameter.getName() + ".copy");
  copy->setAlignment(alignment);
  parameter.replaceAllUsesWith(copy);
  builder.SetInsertPointPastAllocas(&function);
  builder.CreateMemCpy(copy, alignment, &parameter, incoming, layout.getTypeAllocSize(type));
  admit_read(function, parameter);
}

} // namespace

void copy_by_value_arguments(Function &function) {
  for (Argument &parameter : function.args())
    if (parameter.hasByValAttr() && !parameter.use_empty())
      copy_parameter(function, parameter);
}

} // namespace osr
