#include "compiler/canonical/static_actions.h"

#include "compiler/base/error.h"
#include "compiler/canonical/initializer_arrays.h"

#include <llvm/IR/Constants.h>

#include <algorithm>

using namespace llvm;

namespace osr {
namespace {

/// Entries with a priority are in sections of their own, which a linker puts before the one of all others.
void sort_as_linked(std::vector<StaticAction> &actions) {
  std::ranges::stable_sort(actions, {}, [](const StaticAction &action) {
    return std::pair(action.priority == StaticAction().priority, action.priority);
  });
}

Error take_list(Module &module, const char *name, std::vector<StaticAction> &actions) {
  GlobalVariable *list = module.getGlobalVariable(name, true);
  if (!list)
    return Error::success();
  const auto *entries = list->hasInitializer() ? dyn_cast<ConstantArray>(list->getInitializer()) : nullptr;
  for (unsigned i = 0; entries && i < entries->getNumOperands(); ++i) {
    const Constant *entry = entries->getOperand(i);
    const auto *priority = dyn_cast<ConstantInt>(entry->getAggregateElement(0u));
    const Constant *function = entry->getAggregateElement(1u);
    if (function->isNullValue())
      continue;
    const auto *symbol = dyn_cast<Function>(function->stripPointerCasts());
    if (!symbol || !priority)
      return make_error("entry {} of {} is not a function with a priority", i, name);
    actions.push_back({symbol->getName().str(), std::uint32_t(priority->getZExtValue())});
  }
  list->eraseFromParent();
  return Error::success();
}

} // namespace

Error take_static_actions(Module &module, std::vector<StaticAction> &constructors,
                          std::vector<StaticAction> &destructors) {
  std::vector<StaticAction> first;
  if (Error error = take_list(module, preinit_list, first))
    return error;
  if (Error error = take_list(module, "llvm.global_ctors", constructors))
    return error;
  if (Error error = take_list(module, "llvm.global_dtors", destructors))
    return error;
  for (std::vector<StaticAction> *actions : {&first, &constructors, &destructors})
    sort_as_linked(*actions);
  constructors.insert(constructors.begin(), first.begin(), first.end());
  std::ranges::reverse(destructors); // as .fini_array is run
  return Error::success();
}

} // namespace osr
