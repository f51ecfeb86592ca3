#include "compiler/sites/references.h"

#include "compiler/base/error.h"
#include "compiler/canonical/objects.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

bool holds_reference(const Type &type, ArrayRef<unsigned> spaces) {
  return is_reference(type, spaces) ||
         any_of(type.subtypes(), [&](const Type *part) { return holds_reference(*part, spaces); });
}

/// The reference that an instruction computes another one from, in a way that keeps the object; null: it is none of those.
Value *origin_of(Instruction &instruction) {
  if (auto *gep = dyn_cast<GetElementPtrInst>(&instruction))
    return gep->getPointerOperand();
  if (auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction))
    switch (intrinsic->getIntrinsicID()) {
    case Intrinsic::ptrmask:
    case Intrinsic::launder_invariant_group:
    case Intrinsic::strip_invariant_group: return intrinsic->getArgOperand(0);
    default: break;
    }
  return nullptr;
}

/// What a phi, a select or a freeze passes on; nothing: it is none of these.
SmallVector<Value *, 4> passed_on(Instruction &instruction) {
  if (auto *phi = dyn_cast<PHINode>(&instruction))
    return SmallVector<Value *, 4>(phi->incoming_values());
  if (auto *select = dyn_cast<SelectInst>(&instruction))
    return {select->getTrueValue(), select->getFalseValue()};
  if (auto *freeze = dyn_cast<FreezeInst>(&instruction))
    return {freeze->getOperand(0)};
  return {};
}

Error hidden(const FunctionInfo &info, const std::string &why) {
  return make_error("'{}' handles references, and a collector would not find all of them: {}", info.name, why);
}

} // namespace

bool is_reference(const Type &type, ArrayRef<unsigned> spaces) {
  return type.isPointerTy() && is_contained(spaces, type.getPointerAddressSpace());
}

bool uses_references(const Function &function, ArrayRef<unsigned> spaces) {
  if (spaces.empty())
    return false;
  return any_of(function.args(),
                [&](const Argument &argument) { return holds_reference(*argument.getType(), spaces); }) ||
         any_of(instructions(function),
                [&](const Instruction &instruction) { return holds_reference(*instruction.getType(), spaces); });
}

ReferenceBases::ReferenceBases(Function &function, ArrayRef<unsigned> spaces) {
  if (spaces.empty())
    return;
  find_derived(function, spaces);
  SmallVector<Instruction *, 8> joined;
  for (Instruction &instruction : instructions(function))
    if (auto found = derived_from_.find(&instruction); found != derived_from_.end() && !found->second)
      joined.push_back(&instruction);
  for (Instruction *instruction : joined)
    make_base(*instruction);
  for (Instruction *instruction : joined) { // all of them are there now: loops name each other
    auto *base = cast<Instruction>(bases_.find(instruction)->second);
    if (auto *phi = dyn_cast<PHINode>(instruction))
      for (auto [value, block] : zip(phi->incoming_values(), phi->blocks()))
        cast<PHINode>(base)->addIncoming(base_of(*value.get()), block);
    else if (auto *select = dyn_cast<SelectInst>(instruction)) {
      base->setOperand(1, base_of(*select->getTrueValue()));
      base->setOperand(2, base_of(*select->getFalseValue()));
    }
  }
}

void ReferenceBases::find_derived(Function &function, ArrayRef<unsigned> spaces) {
  for (bool changed = true; changed;) {
    changed = false;
    for (Instruction &instruction : instructions(function)) {
      if (!is_reference(*instruction.getType(), spaces) || is_derived(instruction))
        continue;
      Value *origin = origin_of(instruction);
      const auto values = passed_on(instruction);
      if (!origin && none_of(values, [&](const Value *value) { return is_derived(*value); }))
        continue;
      if (!origin && values.size() == 1)
        origin = values.front();
      derived_from_[&instruction] = origin;
      changed = true;
    }
  }
}

/// Without its operands.
void ReferenceBases::make_base(Instruction &joined) {
  if (auto *phi = dyn_cast<PHINode>(&joined)) {
    bases_[phi] =
        PHINode::Create(phi->getType(), phi->getNumIncomingValues(), phi->getName() + ".base", phi->getIterator());
    return;
  }
  auto &select = cast<SelectInst>(joined);
  Value *nothing = Constant::getNullValue(select.getType());
  bases_[&select] =
      SelectInst::Create(select.getCondition(), nothing, nothing, select.getName() + ".base", select.getIterator());
}

Value *ReferenceBases::base_of(Value &value) const {
  Value *current = &value;
  for (auto found = derived_from_.find(current); found != derived_from_.end(); found = derived_from_.find(current)) {
    if (!found->second)
      return bases_.find(current)->second;
    current = found->second;
  }
  return current;
}

Error check_references(const Function &function, const FunctionInfo &info, ArrayRef<unsigned> spaces) {
  if (!info.uses_references)
    return Error::success();
  if (info.pinned != PinReason::None)
    return hidden(info, fmt::format("it {}, so its frames have no records", to_string(info.pinned)));
  for (const Instruction &instruction : instructions(function)) {
    if (instruction.getType()->isVectorTy() && holds_reference(*instruction.getType(), spaces))
      return hidden(info, fmt::format("'%{}' is a vector of them", instruction.getName().str()));
    const auto *store = dyn_cast<StoreInst>(&instruction);
    if (store && holds_reference(*store->getValueOperand()->getType(), spaces) &&
        is_object_address(getUnderlyingObject(store->getPointerOperand())))
      return hidden(info, "one is kept in a local object in memory; keep it in a value");
  }
  for (const Site &site : info.sites())
    if (!site.is_replaceable())
      return hidden(info, fmt::format("site {}, a call of '{}', has no record, since {}", site.id.index, site.callee,
                                      to_string(site.refusal)));
  return Error::success();
}

} // namespace osr
