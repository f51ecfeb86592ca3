#include "compiler/canonical/fold_constant_objects.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

/// Null: it may hold something else, or nothing.
Constant *only_constant(AllocaInst &object) {
  if (object.isArrayAllocation() || !findDVRDeclares(&object).empty())
    return nullptr;
  Constant *held = nullptr;
  for (User *user : object.users()) {
    if (auto *store = dyn_cast<StoreInst>(user)) {
      auto *constant = dyn_cast<Constant>(store->getValueOperand());
      if (!store->isSimple() || !constant || (held && held != constant))
        return nullptr;
      held = constant;
    } else if (const auto *load = dyn_cast<LoadInst>(user); !load || !load->isSimple()) {
      return nullptr;
    }
  }
  const bool is_read_as_it_is = held && all_of(object.users(), [&](const User *user) {
                                  return isa<StoreInst>(user) || user->getType() == held->getType();
                                });
  return is_read_as_it_is ? held : nullptr;
}

} // namespace

void fold_constant_objects(Module &module) {
  for (Function &function : module) {
    SmallVector<std::pair<AllocaInst *, Constant *>, 4> objects;
    for (Instruction &instruction : instructions(function))
      if (auto *object = dyn_cast<AllocaInst>(&instruction))
        if (Constant *constant = only_constant(*object))
          objects.push_back({object, constant});
    for (const auto &[object, constant] : objects) {
      for (User *user : make_early_inc_range(object->users())) {
        if (isa<LoadInst>(user))
          user->replaceAllUsesWith(constant);
        cast<Instruction>(user)->eraseFromParent();
      }
      object->eraseFromParent();
    }
  }
}

} // namespace osr
