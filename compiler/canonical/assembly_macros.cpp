#include "compiler/canonical/assembly_macros.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>

#include <string>
#include <vector>

using namespace llvm;

namespace osr {
namespace {

/// What the assembler keeps. Numbers may be defined again, macros have to be forgotten.
struct Definitions {
  std::string text;
  std::vector<std::string> names;
  std::string forget;
};

bool is_name(char letter) { return isAlnum(letter) || letter == '_' || letter == '.' || letter == '$'; }

StringRef first_name(StringRef text) { return text.ltrim(" \t").take_while(is_name); }

void add_number(StringRef line, Definitions &found) {
  StringRef rest = line;
  if (!rest.consume_front(".set") && !rest.consume_front(".equ"))
    return;
  const auto [name, value] = rest.split(',');
  std::int64_t number = 0;
  if (value.trim().getAsInteger(0, number)) // a symbol: the linker knows it
    return;
  found.names.push_back(first_name(name).str());
  found.text += (line + "\n").str();
}

Definitions find_definitions(StringRef assembly) {
  Definitions found;
  bool in_macro = false;
  while (!assembly.empty()) {
    const auto [whole, rest] = assembly.split('\n');
    const StringRef line = whole.trim();
    assembly = rest;
    if (!in_macro && line.starts_with(".macro")) {
      in_macro = true;
      found.names.push_back(first_name(line.drop_front(StringRef(".macro").size())).str());
      found.forget += "\n.purgem " + found.names.back();
    }
    if (in_macro)
      found.text += (line + "\n").str();
    else
      add_number(line, found);
    if (line.starts_with(".endm"))
      in_macro = false;
  }
  return found;
}

bool mentions(StringRef text, StringRef name) {
  for (std::size_t at = text.find(name); at != StringRef::npos; at = text.find(name, at + 1)) {
    const StringRef behind = text.drop_front(at + name.size());
    if ((at == 0 || !is_name(text[at - 1]) || text[at - 1] == '$') && (behind.empty() || !is_name(behind.front())))
      return true;
  }
  return false;
}

/// As the text of assembly in functions says it: there a dollar sign begins an operand.
std::string escaped(StringRef text) {
  std::string result;
  for (char letter : text)
    result += letter == '$' ? "$$" : std::string(1, letter);
  return result;
}

} // namespace

void define_macros_in_assembly(Module &module) {
  const Definitions known = find_definitions(module.getModuleInlineAsm());
  if (known.names.empty())
    return;
  const std::string before = escaped(known.text);
  for (Function &function : module)
    for (Instruction &instruction : instructions(function)) {
      auto *call = dyn_cast<CallBase>(&instruction);
      const auto *assembly = call ? dyn_cast<InlineAsm>(call->getCalledOperand()) : nullptr;
      if (!assembly || none_of(known.names, [&](StringRef name) { return mentions(assembly->getAsmString(), name); }))
        continue;
      const std::string text = before + assembly->getAsmString().str() + known.forget;
      call->setCalledOperand(InlineAsm::get(assembly->getFunctionType(), text, assembly->getConstraintString(),
                                            assembly->hasSideEffects(), assembly->isAlignStack(),
                                            assembly->getDialect(), assembly->canThrow()));
    }
}

} // namespace osr
