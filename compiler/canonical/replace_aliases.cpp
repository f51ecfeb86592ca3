#include "compiler/canonical/replace_aliases.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/GlobalAlias.h>
#include <llvm/IR/GlobalVariable.h>

using namespace llvm;

namespace osr {
namespace {

/// The symbol behind a chain of aliases and the sum of the offsets on the way; null when it is not of that form.
GlobalObject *resolve(const GlobalAlias &alias, std::int64_t &offset) {
  const DataLayout &layout = alias.getParent()->getDataLayout();
  APInt bytes(layout.getIndexTypeSizeInBits(alias.getType()), 0);
  const Constant *at = &alias;
  while (const auto *link = dyn_cast<GlobalAlias>(at))
    at = cast<Constant>(link->getAliasee()->stripAndAccumulateConstantOffsets(layout, bytes, /*AllowNonInbounds=*/true,
                                                                              /*AllowInvariantGroup=*/false));
  offset = bytes.getSExtValue();
  return const_cast<GlobalObject *>(dyn_cast<GlobalObject>(at));
}

} // namespace

Error replace_aliases(Module &module, std::vector<Alias> &aliases) {
  for (const GlobalAlias &alias : module.aliases()) {
    std::int64_t offset = 0;
    const GlobalObject *target = resolve(alias, offset);
    if (!target)
      return make_error("alias '{}' is not a symbol plus a constant offset; define it as a variable or function",
                        alias.getName().str());
    const auto *variable = dyn_cast<GlobalVariable>(target);
    const bool is_thread_local = variable && variable->isThreadLocal();
    if (is_thread_local && offset != 0)
      return make_error("alias '{}' is a part of a thread-local variable; define it as a variable",
                        alias.getName().str());
    if (alias.hasName() && !alias.hasLocalLinkage())
      aliases.push_back({alias.getName().str(), target->getName().str(), offset, is_thread_local});
  }
  for (GlobalAlias &alias : make_early_inc_range(module.aliases())) {
    alias.replaceAllUsesWith(alias.getAliasee());
    alias.eraseFromParent();
  }
  return Error::success();
}

} // namespace osr
