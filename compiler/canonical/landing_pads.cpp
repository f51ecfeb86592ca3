#include "compiler/canonical/landing_pads.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/Support/xxhash.h>
#include <llvm/Transforms/Utils/BasicBlockUtils.h>

using namespace llvm;

namespace osr {
namespace {

SmallVector<InvokeInst *, 8> find_invokes(Function &function) {
  SmallVector<InvokeInst *, 8> invokes;
  for (BasicBlock &block : function)
    if (auto *invoke = dyn_cast<InvokeInst>(block.getTerminator()))
      invokes.push_back(invoke);
  return invokes;
}

/// Larger than any number that code generation gives, so that both kinds may meet where an inlined function resumes.
constexpr std::uint32_t least_neutral = 1u << 30;

using NeutralNumbers = DenseMap<const Value *, ConstantInt *>; ///< by type; null: any type

ConstantInt *neutral_number(const Value &type) {
  const bool is_any = isa<ConstantPointerNull>(type);
  if (!is_any && !isa<GlobalValue>(type))
    return nullptr;
  const auto hash = std::uint32_t(xxh3_64bits(is_any ? StringRef() : type.getName()));
  return ConstantInt::get(Type::getInt32Ty(type.getContext()), least_neutral | (hash & (least_neutral - 1)));
}

bool add_type(const Value &operand, NeutralNumbers &numbers) {
  const Value &type = *operand.stripPointerCasts();
  if (numbers.contains(&type))
    return true;
  ConstantInt *number = neutral_number(type);
  if (!number || any_of(numbers, [&](const auto &other) { return other.second == number; }))
    return false;
  numbers[&type] = number;
  return true;
}

/// Behind the extraction of a number: the neutral one if it is that of a type which the landing pad catches. What an
/// outer landing pad catches, once its clauses are added by inlining, is left to that one.
void translate(ExtractValueInst &number, LandingPadInst &pad, const NeutralNumbers &numbers) {
  IRBuilder<> builder(number.getNextNode());
  SmallVector<Instruction *, 8> made;
  Value *neutral = &number;
  for (unsigned i = 0; i < pad.getNumClauses(); ++i) {
    if (!pad.isCatch(i))
      continue;
    Value *type = pad.getClause(i)->stripPointerCasts();
    Value *own = builder.CreateIntrinsic(Intrinsic::eh_typeid_for, {type->getType()}, {type});
    Value *is_type = builder.CreateICmpEQ(&number, own);
    neutral = builder.CreateSelect(is_type, numbers.lookup(type), neutral, "selector");
    made.append({cast<Instruction>(is_type), cast<Instruction>(neutral)});
  }
  number.replaceUsesWithIf(neutral, [&](Use &use) { return !is_contained(made, use.getUser()); });
}

} // namespace

SmallVector<BasicBlock *, 8> find_landing_pads(Function &function) {
  SmallVector<BasicBlock *, 8> pads;
  for (BasicBlock &block : function)
    if (block.isLandingPad())
      pads.push_back(&block);
  return pads;
}

void isolate_normal_destinations(Function &function) {
  for (InvokeInst *invoke : find_invokes(function)) {
    BasicBlock *normal = invoke->getNormalDest();
    if (!normal->getSinglePredecessor())
      normal = SplitEdge(invoke->getParent(), normal);
    FoldSingleEntryPHINodes(normal);
  }
}

bool make_selectors_neutral(Function &function) {
  const SmallVector<BasicBlock *, 8> pads = find_landing_pads(function);
  SmallVector<IntrinsicInst *, 8> asked;
  NeutralNumbers numbers;
  for (Instruction &instruction : instructions(function)) {
    if (auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction);
        intrinsic && intrinsic->getIntrinsicID() == Intrinsic::eh_typeid_for) {
      asked.push_back(intrinsic);
      if (!add_type(*intrinsic->getArgOperand(0), numbers))
        return false;
    }
    if (auto *pad = dyn_cast<LandingPadInst>(&instruction))
      for (unsigned i = 0; i < pad->getNumClauses(); ++i)
        if (pad->isCatch(i) && !add_type(*pad->getClause(i), numbers))
          return false;
  }
  for (IntrinsicInst *intrinsic : asked) {
    intrinsic->replaceAllUsesWith(numbers.lookup(intrinsic->getArgOperand(0)->stripPointerCasts()));
    intrinsic->eraseFromParent();
  }
  for (BasicBlock *block : pads) {
    LandingPadInst &pad = *block->getLandingPadInst();
    for (User *user : make_early_inc_range(pad.users()))
      if (auto *extract = dyn_cast<ExtractValueInst>(user); extract && extract->getType()->isIntegerTy())
        translate(*extract, pad, numbers);
  }
  return true;
}

} // namespace osr
