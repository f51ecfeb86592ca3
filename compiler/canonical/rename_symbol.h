// Names of symbols that are those of others, too.
#pragma once

#include <llvm/IR/GlobalValue.h>
#include <llvm/IR/Module.h>

namespace osr {

/// The symbol gets the name. Another one of the module may have it already: then both are one, and that stays.
inline void rename_symbol(llvm::GlobalValue &symbol, llvm::StringRef name) {
  if (symbol.getName() == name)
    return;
  llvm::GlobalValue *other = symbol.getParent()->getNamedValue(name);
  if (!other) {
    symbol.setName(name);
    return;
  }
  symbol.replaceAllUsesWith(other);
  symbol.eraseFromParent();
}

} // namespace osr
