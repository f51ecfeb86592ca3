#include "compiler/sites/source_globals.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/DebugInfoMetadata.h>

#include <map>
#include <optional>

using namespace llvm;

namespace osr {
namespace {

/// Nothing: it is in a function or in a class.
std::optional<std::vector<std::string>> namespaces_around(const DIScope *scope) {
  std::vector<std::string> names;
  for (; scope && !isa<DIFile, DICompileUnit>(scope); scope = scope->getScope()) {
    if (!isa<DINamespace>(scope))
      return std::nullopt;
    names.insert(names.begin(), scope->getName().str());
  }
  return names;
}

std::string whole_path(const DIFile *file) {
  if (!file)
    return "";
  const StringRef name = file->getFilename(), directory = file->getDirectory();
  return name.starts_with("/") || directory.empty() ? name.str() : (directory + "/" + name).str();
}

std::optional<SourceGlobal> describe_global(const GlobalVariable &variable, const DIGlobalVariable &declared,
                                            SourceTypes &types) {
  auto namespaces = namespaces_around(declared.getScope());
  if (!namespaces || !declared.getType())
    return std::nullopt;
  SourceGlobal described;
  described.symbol = variable.isThreadLocal() ? "" : variable.getName().str();
  described.name = declared.getName().str();
  described.linkage_name = declared.getLinkageName().str();
  described.namespaces = std::move(*namespaces);
  described.file = whole_path(declared.getFile());
  described.line = declared.getLine();
  described.type = types.add(declared.getType());
  described.is_local = declared.isLocalToUnit();
  return described;
}

} // namespace

std::map<std::string, std::string> files_of_symbols(const Module &module) {
  std::map<std::string, std::string> files;
  for (const Function &function : module)
    if (const DISubprogram *written = function.getSubprogram())
      files[function.getName().str()] = whole_path(written->getFile());
  for (const GlobalVariable &variable : module.globals()) {
    SmallVector<DIGlobalVariableExpression *, 1> all;
    variable.getDebugInfo(all);
    if (!all.empty())
      files[variable.getName().str()] = whole_path(all.front()->getVariable()->getFile());
  }
  return files;
}

std::vector<SourceGlobal> describe_globals(Module &module, SourceTypes &types) {
  std::map<const DIGlobalVariableExpression *, const GlobalVariable *> places;
  for (const GlobalVariable &variable : module.globals()) {
    SmallVector<DIGlobalVariableExpression *, 1> all;
    variable.getDebugInfo(all);
    for (const DIGlobalVariableExpression *each : all)
      if (!variable.isDeclaration() && each->getExpression()->getNumElements() == 0)
        places[each] = &variable;
  }
  std::vector<SourceGlobal> globals;
  std::map<std::pair<std::vector<std::string>, std::string>, unsigned> count;
  for (const DICompileUnit *unit : module.debug_compile_units())
    for (const DIGlobalVariableExpression *each : unit->getGlobalVariables()) {
      const DIGlobalVariable &declared = *each->getVariable();
      if (const auto namespaces = namespaces_around(declared.getScope()))
        ++count[{*namespaces, declared.getName().str()}]; // also of those that are not told
      const auto place = places.find(each);
      auto described = place == places.end() ? std::nullopt : describe_global(*place->second, declared, types);
      if (!described)
        continue;
      described->language = unit->getSourceLanguage().hasVersionedName() ? std::uint16_t(dwarf::DW_LANG_C)
                                                                         : unit->getSourceLanguage().getName();
      globals.push_back(std::move(*described));
    }
  erase_if(globals, [&](const SourceGlobal &global) { return count[{global.namespaces, global.name}] > 1; });
  return globals;
}

} // namespace osr
