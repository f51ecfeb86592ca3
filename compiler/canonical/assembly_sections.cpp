#include "compiler/canonical/assembly_sections.h"

#include "compiler/base/error.h"

#include <llvm/ADT/StringSet.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>

using namespace llvm;

namespace osr {
namespace {

/// Of whose bounds the program knows the symbols.
StringSet<> bounded_sections(const Module &module) {
  StringSet<> sections;
  for (const GlobalValue &value : module.global_values()) {
    StringRef name = value.getName();
    if (value.isDeclaration() && (name.consume_front("__start_") || name.consume_front("__stop_")))
      sections.insert(name);
  }
  return sections;
}

/// The first of these that the text goes on in; "": in none.
StringRef find_filled(StringRef text, const StringSet<> &sections) {
  for (StringRef directive : {".pushsection", ".section"})
    for (StringRef rest = text; rest.contains(directive);) {
      rest = rest.split(directive).second;
      const StringRef name = rest.ltrim(" \t\"").take_until([](char c) { return !isAlnum(c) && c != '_' && c != '.'; });
      if (sections.contains(name))
        return name;
    }
  return {};
}

StringRef find_filled(const Function &function, const StringSet<> &sections) {
  for (const Instruction &instruction : instructions(function))
    if (const auto *call = dyn_cast<CallBase>(&instruction); call && call->isInlineAsm())
      if (const StringRef found = find_filled(cast<InlineAsm>(call->getCalledOperand())->getAsmString(), sections);
          !found.empty())
        return found;
  return {};
}

} // namespace

Error check_assembly_sections(const Module &module) {
  const StringSet<> sections = bounded_sections(module);
  if (sections.empty())
    return Error::success();
  const auto refusal = [](StringRef section, StringRef where) {
    return make_error("the program asks where section '{}' begins or ends ('__start_{}'), which assembly in {} fills; "
                      "only sections of variables have bounds here",
                      section.str(), section.str(), where.str());
  };
  if (const StringRef found = find_filled(module.getModuleInlineAsm(), sections); !found.empty())
    return refusal(found, "the module");
  for (const Function &function : module)
    if (const StringRef found = find_filled(function, sections); !found.empty())
      return refusal(found, "function '" + function.getName().str() + "'");
  return Error::success();
}

} // namespace osr
