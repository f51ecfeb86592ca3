#include "compiler/canonical/symbol_versions.h"

#include "compiler/canonical/rename_symbol.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/ADT/StringSet.h>
#include <llvm/IR/GlobalAlias.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>
#include <llvm/Object/ModuleSymbolTable.h>

#include <string>

using namespace llvm;

namespace osr {
namespace {

constexpr StringLiteral directive = ".symver";

struct SymbolVersion {
  StringRef name;      ///< in this module
  StringRef versioned; ///< with '@', "@@" or "@@@"
};

void add_alias(GlobalValue &symbol, StringRef name) {
  GlobalValue *other = symbol.getParent()->getNamedValue(name);
  if (other == &symbol || (other && !other->isDeclaration()))
    return;
  auto *alias = GlobalAlias::create(symbol.getValueType(), symbol.getAddressSpace(), GlobalValue::ExternalLinkage, "",
                                    &symbol, symbol.getParent());
  alias->setThreadLocalMode(symbol.getThreadLocalMode());
  if (!other) {
    alias->setName(name);
    return;
  }
  alias->takeName(other);
  other->replaceAllUsesWith(alias);
  other->eraseFromParent();
}

void take(Module &module, const SymbolVersion &version) {
  GlobalValue *symbol = module.getNamedValue(version.name);
  if (!symbol)
    return;
  const StringRef text = version.versioned;
  const StringRef name = text.take_until([](char letter) { return letter == '@'; });
  const StringRef signs = text.drop_front(name.size()).take_while([](char letter) { return letter == '@'; });
  if (!symbol->isDeclaration()) {
    if (signs.size() > 1)
      add_alias(*symbol, name);
  } else if (!symbol->isThreadLocal()) {
    rename_symbol(*symbol, (name + "@" + text.drop_front(name.size() + signs.size())).str());
  }
}

/// Directives whose symbol the assembly itself defines stay where that is.
class Directives {
public:
  explicit Directives(Module &module) : module_(module) {}

  /// The assembly without those that are taken.
  std::string take_from(StringRef assembly) {
    std::string kept;
    for (StringRef line : split(assembly, '\n')) {
      if (line.contains(directive)) {
        SmallVector<StringRef, 4> statements;
        line.split(statements, ';');
        erase_if(statements, [&](StringRef statement) { return is_taken(statement.trim()); });
        kept += join(statements, ";");
      } else {
        kept += line;
      }
      kept += '\n';
    }
    kept.pop_back();
    return kept;
  }

private:
  bool is_taken(StringRef statement) {
    if (!statement.consume_front(directive))
      return false;
    const auto [name, rest] = statement.split(',');
    const SymbolVersion version{name.trim(" \t\""), rest.split(',').first.trim(" \t\"")};
    if (is_defined_by_assembly(version.name))
      return false;
    take(module_, version);
    return true;
  }

  bool is_defined_by_assembly(StringRef name) {
    using object::BasicSymbolRef;
    if (!were_collected_)
      ModuleSymbolTable::CollectAsmSymbols(module_, [&](StringRef symbol, BasicSymbolRef::Flags flags) {
        if (!(flags & BasicSymbolRef::SF_Undefined))
          defined_.insert(symbol);
      });
    were_collected_ = true;
    return defined_.contains(name);
  }

  Module &module_;
  StringSet<> defined_;
  bool were_collected_ = false;
};

void take_from_function(Function &function, Directives &directives) {
  for (Instruction &instruction : instructions(function)) {
    auto *call = dyn_cast<CallBase>(&instruction);
    const auto *assembly = call ? dyn_cast<InlineAsm>(call->getCalledOperand()) : nullptr;
    if (!assembly || !assembly->getAsmString().contains(directive))
      continue;
    call->setCalledOperand(InlineAsm::get(assembly->getFunctionType(), directives.take_from(assembly->getAsmString()),
                                          assembly->getConstraintString(), assembly->hasSideEffects(),
                                          assembly->isAlignStack(), assembly->getDialect(), assembly->canThrow()));
  }
}

} // namespace

void take_symbol_versions(Module &module) {
  Directives directives(module);
  if (const std::string assembly = module.getModuleInlineAsm(); StringRef(assembly).contains(directive))
    module.setModuleInlineAsm(directives.take_from(assembly));
  for (Function &function : module)
    take_from_function(function, directives);
}

} // namespace osr
