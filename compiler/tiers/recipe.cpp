#include "compiler/tiers/recipe.h"

#include "compiler/canonical/frame_state_bundle.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned max_steps = 4;

bool fits_register(const Type &type) {
  return type.isPointerTy() || (type.isIntegerTy() && type.getIntegerBitWidth() <= 64);
}

/// Bits of a constant as an LLVM store would write them; nothing for constants wider than 8 bytes and addresses.
std::optional<std::uint64_t> constant_bits(const Constant &constant, const DataLayout &layout) {
  if (layout.getTypeStoreSize(constant.getType()) > sizeof(std::uint64_t))
    return std::nullopt;
  if (isa<UndefValue>(constant) || constant.isNullValue())
    return 0;
  if (const auto *integer = dyn_cast<ConstantInt>(&constant); integer && integer->getBitWidth() <= 64)
    return integer->getZExtValue();
  if (const auto *real = dyn_cast<ConstantFP>(&constant); real && real->getType()->getPrimitiveSizeInBits() <= 64)
    return real->getValueAPF().bitcastToAPInt().getZExtValue();
  if (const auto *cast = dyn_cast<ConstantExpr>(&constant))
    if (cast->getOpcode() == Instruction::IntToPtr)
      return constant_bits(*cast->getOperand(0), layout);
  return std::nullopt;
}

struct Step {
  Value *operand;
  RecipeStep step;
};

const ConstantInt *small_constant(const Value *value) {
  const auto *constant = dyn_cast<ConstantInt>(value);
  return constant && constant->getBitWidth() <= 64 ? constant : nullptr;
}

std::optional<Step> binary_step(BinaryOperator &binary) {
  const ConstantInt *constant = small_constant(binary.getOperand(1));
  if (!constant)
    return std::nullopt;
  std::int64_t operand = constant->getSExtValue();
  switch (binary.getOpcode()) {
  case Instruction::Add: return Step{binary.getOperand(0), {RecipeStep::Kind::Add, operand}};
  case Instruction::Sub:
    return Step{binary.getOperand(0), {RecipeStep::Kind::Add, std::int64_t(0 - std::uint64_t(operand))}};
  case Instruction::Mul: return Step{binary.getOperand(0), {RecipeStep::Kind::Multiply, operand}};
  case Instruction::Shl: return Step{binary.getOperand(0), {RecipeStep::Kind::ShiftLeft, operand}};
  default: return std::nullopt;
  }
}

std::optional<Step> cast_step(CastInst &cast) {
  Value *operand = cast.getOperand(0);
  if (!fits_register(*operand->getType()))
    return std::nullopt;
  auto bits = [&] { return std::int64_t(operand->getType()->getIntegerBitWidth()); };
  switch (cast.getOpcode()) {
  case Instruction::ZExt: return Step{operand, {RecipeStep::Kind::ZeroExtend, bits()}};
  case Instruction::SExt: return Step{operand, {RecipeStep::Kind::SignExtend, bits()}};
  default: return std::nullopt;
  }
}

std::optional<Step> step_of(Value &value) {
  // Widths that are no whole bytes need their unused bits cleared: leave them alone.
  Type *type = value.getType();
  if (!fits_register(*type) || (type->isIntegerTy() && !isPowerOf2_32(type->getIntegerBitWidth())) ||
      type->isIntegerTy(1))
    return std::nullopt;
  if (auto *binary = dyn_cast<BinaryOperator>(&value))
    return binary_step(*binary);
  if (auto *cast = dyn_cast<CastInst>(&value))
    return cast_step(*cast);
  if (auto *gep = dyn_cast<GetElementPtrInst>(&value)) {
    const DataLayout &layout = gep->getDataLayout();
    APInt offset(layout.getIndexTypeSizeInBits(gep->getType()), 0);
    if (gep->getType()->isPointerTy() && gep->accumulateConstantOffset(layout, offset))
      return Step{gep->getPointerOperand(), {RecipeStep::Kind::Add, offset.getSExtValue()}};
  }
  return std::nullopt;
}

bool only_frame_states_use(const Value &value) { return all_of(value.uses(), is_in_frame_state); }

/// As far as steps may be taken. What lies on the way to a recorded value need not be recorded itself.
Derivation walk(Value &value, function_ref<bool(const Value &)> is_recorded) {
  Derivation taken;
  taken.leaf = &value;
  std::vector<RecipeStep> steps; // outermost first
  Value *current = &value;
  while (isa<Instruction>(current) && steps.size() < max_steps) {
    std::optional<Step> step = step_of(*current);
    if (!step)
      break;
    const bool costs_nothing = current == taken.leaf && only_frame_states_use(*current);
    steps.push_back(step->step);
    current = step->operand;
    if (costs_nothing || isa<Constant>(current) || is_recorded(*current)) {
      taken.leaf = current;
      taken.lowered.recipe.assign(steps.rbegin(), steps.rend());
    }
  }
  return taken;
}

} // namespace

Derivation derive(Value &value, const DataLayout &layout, function_ref<bool(const Value &)> is_recorded) {
  Derivation result = walk(value, is_recorded);
  const Value *current = result.leaf;
  const auto *constant = dyn_cast<Constant>(current);
  if (!constant)
    return result;

  if (auto bits = constant_bits(*constant, layout)) {
    result.lowered.kind = LoweredValue::Kind::Constant;
    result.lowered.constant = *bits;
    result.leaf = nullptr;
  } else if (isa<UndefValue>(constant)) {
    result.leaf = Constant::getNullValue(constant->getType()); // to a slot, and a slot has contents
  } else if (current->getType()->isPointerTy()) {
    APInt offset(layout.getIndexTypeSizeInBits(current->getType()), 0);
    const auto *global = dyn_cast<GlobalValue>(current->stripAndAccumulateConstantOffsets(layout, offset, true));
    if (global && !global->isThreadLocal() && !global->hasLocalLinkage()) {
      result.lowered.kind = LoweredValue::Kind::Symbol;
      result.lowered.symbol = global->getName().str();
      if (offset != 0)
        result.lowered.recipe.insert(result.lowered.recipe.begin(), {RecipeStep::Kind::Add, offset.getSExtValue()});
      result.leaf = nullptr;
    }
  }
  return result;
}

} // namespace osr
