#include "compiler/sites/variable_flow.h"

#include "compiler/canonical/objects.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/Analysis/AliasAnalysis.h>
#include <llvm/Analysis/ValueTracking.h>
#include <llvm/BinaryFormat/Dwarf.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfo.h>
#include <llvm/IR/Instructions.h>

#include <climits>

using namespace llvm;

namespace osr {
namespace {

/// What is done with a value to find the variable.
struct Steps {
  std::int64_t addend = 0;
  bool is_address = false; ///< the variable is in memory there
};

/// Nothing: more than is understood here.
std::optional<Steps> steps_of(const DIExpression &expression) {
  Steps steps;
  std::optional<std::uint64_t> constant;
  for (const auto &operation : expression.expr_ops()) {
    const std::uint64_t code = operation.getOp();
    if (code == dwarf::DW_OP_LLVM_fragment || code == dwarf::DW_OP_stack_value)
      continue;
    if (code == dwarf::DW_OP_LLVM_arg && operation.getArg(0) == 0)
      continue;
    if (steps.is_address)
      return std::nullopt;
    if (code == dwarf::DW_OP_plus_uconst && !constant)
      steps.addend += std::int64_t(operation.getArg(0));
    else if ((code == dwarf::DW_OP_constu || code == dwarf::DW_OP_consts) && !constant)
      constant = operation.getArg(0);
    else if ((code == dwarf::DW_OP_plus || code == dwarf::DW_OP_minus) && constant)
      steps.addend += code == dwarf::DW_OP_plus ? std::int64_t(*std::exchange(constant, std::nullopt))
                                                : -std::int64_t(*std::exchange(constant, std::nullopt));
    else if (code == dwarf::DW_OP_deref && !constant)
      steps.is_address = true;
    else
      return std::nullopt;
  }
  return constant ? std::nullopt : std::optional(steps);
}

/// As LLVM's records say it: `value` is the variable, or with `is_address` where it lies.
void put(VariablePlace &place, Value *value, const DIExpression &expression, bool is_address,
         const DataLayout &layout) {
  place.kind = VariablePlace::Kind::Nowhere;
  place.value = nullptr;
  place.addend = 0;
  const std::optional<Steps> steps = steps_of(expression);
  if (!value || isa<UndefValue>(value) || !steps || (is_address && steps->is_address))
    return;
  const bool in_memory = is_address || steps->is_address;
  if (in_memory) { // a part of an object is where the object is
    APInt offset(64, 0);
    value = value->stripAndAccumulateConstantOffsets(layout, offset, /*AllowNonInbounds=*/true);
    place.addend = offset.getSExtValue();
  }
  if (!in_memory && steps->addend != 0 && !value->getType()->isIntOrPtrTy())
    return;
  place.kind = in_memory ? VariablePlace::Kind::Memory : VariablePlace::Kind::Value;
  place.value = value;
  place.addend += steps->addend;
}

Value *only_value(const DbgVariableRecord &record) {
  return record.getNumVariableLocationOps() == 1 ? record.getVariableLocationOp(0) : nullptr;
}

/// What lies in memory of `known` in front of `part` and behind it stays there.
void add_rest(const VariablePlaces::value_type &known, const DebugVariable &part, VariablePlaces &rest) {
  const auto &[variable, place] = known;
  const std::optional<std::uint64_t> size = variable.getVariable()->getSizeInBits();
  if (place.kind != VariablePlace::Kind::Memory || !part.getFragment() || !size)
    return;
  const auto whole = variable.getFragment().value_or(DIExpression::FragmentInfo(*size, 0));
  const auto add = [&, place = place, inlined = variable.getInlinedAt(),
                    of = variable.getVariable()](std::uint64_t begin, std::uint64_t end) {
    if (begin >= end || begin % CHAR_BIT != 0 || end % CHAR_BIT != 0)
      return;
    VariablePlace &piece = rest[DebugVariable(of, DIExpression::FragmentInfo(end - begin, begin), inlined)];
    piece = place;
    piece.addend += std::int64_t((begin - whole.OffsetInBits) / CHAR_BIT);
  };
  add(whole.OffsetInBits, part.getFragment()->startInBits());
  add(part.getFragment()->endInBits(), whole.endInBits());
}

/// What was known of other parts that share bits with this one is not known any more, but for what lies in memory.
VariablePlace &place_of(const DbgVariableRecord &record, VariablePlaces &places) {
  const DebugVariable variable(&record);
  VariablePlaces rest;
  for (auto known = places.begin(); known != places.end();) {
    const DebugVariable &other = known->first;
    if (other == variable || other.getVariable() != variable.getVariable() ||
        other.getInlinedAt() != variable.getInlinedAt() ||
        !DIExpression::fragmentsOverlap(other.getFragmentOrDefault(), variable.getFragmentOrDefault())) {
      ++known;
      continue;
    }
    add_rest(*known, variable, rest);
    known = places.erase(known);
  }
  places.merge(rest);
  return places[variable];
}

void note(const DbgVariableRecord &record, VariablePlaces &places, const DataLayout &layout) {
  VariablePlace &place = place_of(record, places);
  switch (record.getType()) {
  case DbgVariableRecord::LocationType::Declare:
    put(place, only_value(record), *record.getExpression(), /*is_address=*/true, layout);
    return;
  case DbgVariableRecord::LocationType::Value:
    place.assigned = nullptr;
    put(place, only_value(record), *record.getExpression(), /*is_address=*/false, layout);
    return;
  case DbgVariableRecord::LocationType::Assign:
    place.assigned = record.getAssignID();
    place.home = record.isKillAddress() ? nullptr : getUnderlyingObject(record.getAddress());
    if (place.home && place.stored == place.assigned)
      put(place, record.getAddress(), *record.getAddressExpression(), /*is_address=*/true, layout);
    else
      put(place, only_value(record), *record.getExpression(), /*is_address=*/false, layout);
    return;
  default: place = {}; return;
  }
}

/// Of an instruction that assigns variables, or makes those that have no value yet; else null.
DIAssignID *assignment_of(const Instruction &instruction) {
  if (const MDNode *id = instruction.getMetadata(LLVMContext::MD_DIAssignID))
    return const_cast<DIAssignID *>(cast<DIAssignID>(id));
  const MDNode *object = is_object_address(&instruction) ? instruction.getMetadata(object_assignment) : nullptr;
  return object ? cast<DIAssignID>(object->getOperand(0)) : nullptr;
}

void note_stores(DIAssignID &id, VariablePlaces &places, const DataLayout &layout) {
  for (const DbgVariableRecord *record : id.getAllDbgVariableRecordUsers()) {
    VariablePlace &place = place_of(*record, places);
    place.stored = record->getAssignID();
    place.home = record->isKillAddress() ? nullptr : getUnderlyingObject(record->getAddress());
    if (place.home && place.stored == place.assigned)
      put(place, record->getAddress(), *record->getAddressExpression(), /*is_address=*/true, layout);
    else if (place.kind == VariablePlace::Kind::Memory) // the store comes before its assignment
      place.kind = VariablePlace::Kind::Nowhere;
  }
}

bool writes_memory(const Instruction &instruction) {
  if (const auto *call = dyn_cast<CallBase>(&instruction))
    if (const Function *callee = call->getCalledFunction(); callee && callee->getName().starts_with("osr.object."))
      return false;
  return instruction.mayWriteToMemory();
}

/// Somebody else may have written where the variable lies, while it is known by what was assigned.
void forget_assigned(const Instruction &instruction, VariablePlaces &places) {
  const auto *store = dyn_cast<StoreInst>(&instruction);
  const Value *written = store ? getUnderlyingObject(store->getPointerOperand()) : nullptr;
  for (auto &[variable, place] : places) {
    if (!place.home || place.kind != VariablePlace::Kind::Value)
      continue;
    if (written && written != place.home && isIdentifiedObject(written) && isIdentifiedObject(place.home))
      continue;
    place.kind = VariablePlace::Kind::Nowhere;
  }
}

VariablePlace meet(const VariablePlace &one, const VariablePlace &other) {
  VariablePlace both;
  if (one.kind == other.kind && one.value == other.value && one.addend == other.addend && one.home == other.home) {
    both.kind = one.kind;
    both.value = one.value;
    both.addend = one.addend;
  }
  both.home = one.home == other.home ? one.home : nullptr;
  both.assigned = one.assigned == other.assigned ? one.assigned : nullptr;
  both.stored = one.stored == other.stored ? one.stored : nullptr;
  return both;
}

} // namespace

VariableFlow::VariableFlow(Function &function) : function_(function) {
  const ReversePostOrderTraversal<Function *> order(&function);
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (BasicBlock *block : order) {
      VariablePlaces places;
      enter(*block, places);
      for (Instruction &instruction : *block)
        step(instruction, places);
      auto [out, is_new] = out_.try_emplace(block);
      if (is_new || out->second != places) {
        out->second = std::move(places);
        has_changed = true;
      }
    }
  }
}

void VariableFlow::for_each(function_ref<void(Instruction &, const VariablePlaces &)> visit) {
  for (BasicBlock &block : function_) {
    VariablePlaces places;
    enter(block, places);
    for (Instruction &instruction : block) {
      step(instruction, places);
      visit(instruction, places);
    }
  }
}

void VariableFlow::enter(const BasicBlock &block, VariablePlaces &places) const {
  bool is_first = true;
  for (const BasicBlock *predecessor : predecessors(&block)) {
    const auto found = out_.find(predecessor);
    if (found == out_.end())
      continue; // not visited yet: it may say what the others say
    if (std::exchange(is_first, false)) {
      places = found->second;
      continue;
    }
    std::erase_if(places, [&](const auto &known) { return !found->second.contains(known.first); });
    for (auto &[variable, place] : places)
      place = meet(place, found->second.at(variable));
  }
}

void VariableFlow::step(Instruction &instruction, VariablePlaces &places) const {
  const DataLayout &layout = function_.getDataLayout();
  for (const DbgVariableRecord &record : filterDbgVars(instruction.getDbgRecordRange()))
    note(record, places, layout);
  for (auto &[variable, place] : places)
    if (place.value == &instruction && place.kind != VariablePlace::Kind::Nowhere) // that was another one
      place.kind = VariablePlace::Kind::Nowhere;
  if (DIAssignID *id = assignment_of(instruction))
    note_stores(*id, places, layout);
  else if (writes_memory(instruction))
    forget_assigned(instruction, places);
}

} // namespace osr
