#include "compiler/sites/same_shape.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/GlobalVariable.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>

using namespace llvm;

namespace osr {
namespace {

/// A constant variable that no other module knows, such as a text.
bool is_own_constant(const Value &value) {
  const auto *variable = dyn_cast<GlobalVariable>(&value);
  return variable && variable->isConstant() && variable->hasInitializer() && !variable->isThreadLocal();
}

/// Constants of the numbers that programs compute with.
bool is_number(const Value &value) { return isa<ConstantInt, ConstantFP>(value); }

/// Where another number, or another text, changes what is computed, and not where something lies.
bool may_differ(const Instruction &user, const Use &operand) {
  if (const auto *call = dyn_cast<CallBase>(&user)) // not in bundles, and not what intrinsics are told
    return call->isArgOperand(&operand) && !isa<IntrinsicInst>(call);
  return isa<BinaryOperator, CmpInst, SelectInst, PHINode, StoreInst, AtomicRMWInst, ReturnInst>(user);
}

class Comparison {
public:
  Comparison(const Function &one, const Function &other) : one_(one), other_(other) {}

  bool is_equal() {
    if (one_.getFunctionType() != other_.getFunctionType() || one_.size() != other_.size())
      return false;
    for (const auto &[first, second] : zip_equal(one_.args(), other_.args()))
      counterpart_[&first] = &second;
    for (const auto &[first, second] : zip_equal(one_, other_)) {
      if (first.size() != second.size())
        return false;
      counterpart_[&first] = &second;
      for (const auto &[left, right] : zip_equal(first, second))
        counterpart_[&left] = &right;
    }
    return all_of(zip_equal(one_, other_), [this](const auto &blocks) {
      return all_of(zip_equal(std::get<0>(blocks), std::get<1>(blocks)),
                    [this](const auto &pair) { return are_equal(std::get<0>(pair), std::get<1>(pair)); });
    });
  }

private:
  bool are_equal(const Instruction &left, const Instruction &right) const {
    if (!left.isSameOperationAs(&right) || left.getNumOperands() != right.getNumOperands() ||
        left.getRawSubclassOptionalData() != right.getRawSubclassOptionalData())
      return false;
    if (const auto *phi = dyn_cast<PHINode>(&left))
      for (unsigned i = 0; i != phi->getNumIncomingValues(); ++i)
        if (counterpart_.lookup(phi->getIncomingBlock(i)) != cast<PHINode>(right).getIncomingBlock(i))
          return false;
    return all_of(zip_equal(left.operands(), right.operands()),
                  [&](const auto &uses) { return correspond(left, std::get<0>(uses), *std::get<1>(uses).get()); });
  }

  bool correspond(const Instruction &user, const Use &operand, const Value &right) const {
    const Value &left = *operand;
    if (const Value *known = counterpart_.lookup(&left))
      return known == &right;
    if (left.getType() != right.getType())
      return false;
    if (const auto *global = dyn_cast<GlobalValue>(&left))
      if (const auto *other = dyn_cast<GlobalValue>(&right); other && global->getName() == other->getName())
        return true;
    if (&left == &right)
      return true; // constants of one context
    // Frame states: the site's name has another body in it, and numbers are what the optimiser made of values.
    if (const auto *call = dyn_cast<CallBase>(&user); call && call->isBundleOperand(&operand))
      return is_number(left) && is_number(right);
    if (!may_differ(user, operand))
      return false;
    return (is_number(left) && is_number(right)) || (is_own_constant(left) && is_own_constant(right));
  }

  const Function &one_, &other_;
  DenseMap<const Value *, const Value *> counterpart_;
};

} // namespace

bool have_same_shape(const Function &one, const Function &other) { return Comparison(one, other).is_equal(); }

} // namespace osr
