#include "compiler/canonical/gather_objects.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

bool is_static_object(const Instruction &instruction) {
  const auto *object = dyn_cast<AllocaInst>(&instruction);
  return object && object->isStaticAlloca();
}

} // namespace

void gather_static_objects(Function &function) {
  BasicBlock &entry = function.getEntryBlock();
  const auto behind = entry.getFirstNonPHIOrDbgOrAlloca();
  for (Instruction &instruction : make_early_inc_range(make_range(behind, entry.end())))
    if (is_static_object(instruction))
      instruction.moveBefore(entry, behind);
}

bool has_gathered_objects(const Function &function) {
  const BasicBlock &entry = function.getEntryBlock();
  return none_of(make_range(entry.getFirstNonPHIOrDbgOrAlloca(), entry.end()), is_static_object);
}

} // namespace osr
