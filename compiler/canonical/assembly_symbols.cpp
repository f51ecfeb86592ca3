#include "compiler/canonical/assembly_symbols.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/StringExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Operator.h>
#include <llvm/Object/ModuleSymbolTable.h>

#include <map>
#include <optional>
#include <string>

using namespace llvm;

namespace osr {
namespace {

/// The symbol that a constant is, with what is added to it; "" if it is none.
std::string symbol_text(const Value &value, const DataLayout &layout) {
  const Value *base = &value;
  APInt offset(layout.getIndexTypeSizeInBits(PointerType::getUnqual(value.getContext())), 0);
  if (const auto *number = dyn_cast<PtrToIntOperator>(base))
    base = number->getPointerOperand();
  if (!base->getType()->isPointerTy())
    return {};
  base = base->stripAndAccumulateConstantOffsets(layout, offset, /*AllowNonInbounds=*/true);
  const auto *symbol = dyn_cast<GlobalValue>(base);
  if (!symbol || symbol->isThreadLocal() || symbol->getName().contains('"'))
    return {};
  std::string text = "\"" + symbol->getName().ltrim('\1').str() + "\"";
  if (!offset.isZero())
    text += (offset.isNegative() ? "" : "+") + toString(offset, 10, /*Signed=*/true);
  return text;
}

bool takes_constants_only(const InlineAsm::ConstraintInfo &constraint) {
  return constraint.Type == InlineAsm::isInput && !constraint.isMultipleAlternative && !constraint.Codes.empty() &&
         all_of(constraint.Codes, [](const std::string &code) { return is_contained({"i", "s", "n"}, code); });
}

/// By the number that the text calls the operand by: which argument it is, and what to write.
struct Named {
  unsigned argument;
  std::string text;
};
using NamedOperands = std::map<unsigned, Named>;

NamedOperands find_symbols(const CallBase &call, const InlineAsm &assembly) {
  NamedOperands found;
  unsigned number = 0, argument = 0;
  for (const InlineAsm::ConstraintInfo &constraint : assembly.ParseConstraints()) {
    if (constraint.Type == InlineAsm::isClobber || constraint.Type == InlineAsm::isLabel)
      continue;
    if (takes_constants_only(constraint))
      if (std::string text = symbol_text(*call.getArgOperand(argument), call.getDataLayout()); !text.empty())
        found[number] = {argument, std::move(text)};
    ++number;
    argument += constraint.hasArg();
  }
  return found;
}

/// The text with names in it. Nothing: it uses one of the operands in a way that is not known.
std::optional<std::string> with_names(StringRef text, const NamedOperands &named) {
  std::string result;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    result += text.take_front(dollar);
    text = text.substr(dollar);
    if (text.empty())
      break;
    const bool braced = text.starts_with("${");
    const std::size_t length = braced ? text.find('}') + 1 : text.substr(1).find_if_not(isDigit);
    const StringRef operand =
        braced ? text.take_front(length) : text.take_front(length == StringRef::npos ? length : length + 1);
    StringRef inside = operand.drop_front(1);
    if (braced)
      inside = inside.drop_front(1).drop_back(1);
    const auto [digits, modifier] = inside.split(':');
    unsigned number = 0;
    const bool is_number = !digits.getAsInteger(10, number);
    const auto known = is_number ? named.find(number) : named.end();
    if (known == named.end()) {
      const StringRef kept = is_number ? operand : text.take_front(2); // "$$" and its kind
      result += kept;
      text = text.drop_front(kept.size());
      continue;
    }
    if (modifier != "" && modifier != "c" && modifier != "P")
      return std::nullopt;
    result += (modifier.empty() ? "$$" : "") + known->second.text; // an immediate, as it is
    text = text.drop_front(operand.size());
  }
  return result;
}

void name_symbols(CallBase &call, const InlineAsm &assembly) {
  const NamedOperands named = find_symbols(call, assembly);
  if (named.empty() || assembly.getDialect() != InlineAsm::AD_ATT)
    return;
  const std::optional<std::string> text = with_names(assembly.getAsmString(), named);
  if (!text)
    return;
  for (const auto &[number, operand] : named)
    call.setArgOperand(operand.argument, Constant::getNullValue(call.getArgOperand(operand.argument)->getType()));
  call.setCalledOperand(InlineAsm::get(assembly.getFunctionType(), *text, assembly.getConstraintString(),
                                       assembly.hasSideEffects(), assembly.isAlignStack(), assembly.getDialect(),
                                       assembly.canThrow()));
}

} // namespace

void name_symbols_in_assembly(Module &module) {
  for (Function &function : module)
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallBase>(&instruction))
        if (const auto *assembly = dyn_cast<InlineAsm>(call->getCalledOperand()))
          name_symbols(*call, *assembly);
}

void show_symbols_of_assembly(Module &module) {
  using object::BasicSymbolRef;
  std::string shown;
  ModuleSymbolTable::CollectAsmSymbols(module, [&](StringRef name, BasicSymbolRef::Flags flags) {
    const GlobalValue *used = module.getNamedValue(name);
    if (used && used->isDeclaration() && !(flags & (BasicSymbolRef::SF_Undefined | BasicSymbolRef::SF_Global)))
      shown += "\t.globl\t\"" + name.str() + "\"\n";
  });
  if (!shown.empty())
    module.appendModuleInlineAsm(shown);
}

} // namespace osr
