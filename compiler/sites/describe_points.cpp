#include "compiler/sites/describe_points.h"

#include "compiler/base/print.h"
#include "compiler/canonical/objects.h"
#include "compiler/canonical/points.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/GlobalValue.h>

using namespace llvm;

namespace osr {
namespace {

bool is_kept(const Type &type) { return type.isIntOrPtrTy() || type.isFloatingPointTy() || type.isVectorTy(); }

/// Of an integer or floating-point number of up to 64 bits.
std::optional<std::uint64_t> bits_of(const Constant &constant) {
  if (constant.isNullValue() || isa<UndefValue>(constant))
    return 0;
  if (const auto *integer = dyn_cast<ConstantInt>(&constant); integer && integer->getBitWidth() <= 64)
    return integer->getZExtValue();
  if (const auto *number = dyn_cast<ConstantFP>(&constant); number && number->getType()->getPrimitiveSizeInBits() <= 64)
    return number->getValueAPF().bitcastToAPInt().getZExtValue();
  return std::nullopt;
}

void describe_constant(Constant &constant, const DataLayout &layout, PointValue &described) {
  if (described.size <= sizeof(described.constant))
    if (const auto bits = bits_of(constant)) {
      described.kind = PointValue::Kind::Constant;
      described.constant = *bits;
      return;
    }
  if (!constant.getType()->isPointerTy())
    return;
  APInt offset(layout.getIndexTypeSizeInBits(constant.getType()), 0);
  const auto *global = dyn_cast<GlobalValue>(constant.stripAndAccumulateConstantOffsets(layout, offset, true));
  if (global && !global->isThreadLocal() && !global->hasLocalLinkage()) {
    described.kind = PointValue::Kind::Symbol;
    described.symbol = global->getName().str();
    described.addend = offset.getSExtValue();
  }
}

} // namespace

SmallVector<Value *, 8> point_values(CallBase &call) {
  SmallVector<Value *, 8> values;
  if (const auto bundle = call.getOperandBundle(point_bundle))
    for (const Use &value : bundle->Inputs.drop_front())
      if (is_kept(*value->getType()))
        values.push_back(value.get());
  return values;
}

PointValue describe_value(Value &value, ArrayRef<Value *> state, const DataLayout &layout) {
  PointValue described;
  described.type = print(*value.getType());
  if (!is_kept(*value.getType()))
    return described;
  described.size = std::uint32_t(layout.getTypeStoreSize(value.getType()).getFixedValue());
  if (auto *constant = dyn_cast<Constant>(&value)) {
    describe_constant(*constant, layout, described);
    return described;
  }
  Value *kept = is_object_address(&value) ? frame_of_object(&value) : &value;
  if (const auto *found = find(state, kept); found != state.end()) {
    described.kind = PointValue::Kind::State;
    described.index = std::uint32_t(found - state.begin());
    described.addend = kept == &value ? 0 : std::int64_t(offset_of_object(&value));
  }
  return described;
}

std::optional<Point> describe_point(CallBase &call, ArrayRef<Value *> state) {
  const auto bundle = call.getOperandBundle(point_bundle);
  if (!bundle)
    return std::nullopt;
  Point point;
  point.id = cast<ConstantInt>(bundle->Inputs.front().get())->getZExtValue();
  for (const Use &value : bundle->Inputs.drop_front())
    point.values.push_back(describe_value(*value.get(), state, call.getDataLayout()));
  return point;
}

} // namespace osr
