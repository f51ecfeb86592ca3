#include "compiler/sites/equal_values.h"

#include "compiler/base/call_of.h"
#include "compiler/base/print.h"
#include "compiler/canonical/gates.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Metadata.h>

using namespace llvm;

namespace osr {
namespace {

using Pair = std::pair<const Value *, const Value *>;

bool has_effect(const Instruction &instruction) {
  return !instruction.isTerminator() && (isa<CallBase>(instruction) || instruction.mayReadOrWriteMemory());
}

std::string text(const Value &constant) {
  if (const auto *global = dyn_cast<GlobalValue>(&constant))
    return global->getName().str();
  return print(constant);
}

/// Of calls those that go to the callee, and it.
unsigned operands_that_count(const Instruction &instruction) {
  const auto *call = dyn_cast<CallBase>(&instruction);
  return call ? call->arg_size() : instruction.getNumOperands();
}

bool same_operands(const Instruction &left, const Instruction &right, SmallVectorImpl<Pair> &rest) {
  const unsigned count = operands_that_count(left);
  if (count != operands_that_count(right))
    return false;
  for (unsigned i = 0; i != count; ++i)
    rest.push_back({left.getOperand(i), right.getOperand(i)});
  if (const auto *call = dyn_cast<CallBase>(&left))
    rest.push_back({call->getCalledOperand(), cast<CallBase>(right).getCalledOperand()});
  return true;
}

bool is_computed(const Instruction &instruction) {
  return isa<BinaryOperator, UnaryOperator, CastInst, CmpInst, SelectInst, GetElementPtrInst, FreezeInst,
             ExtractElementInst, InsertElementInst, ExtractValueInst, InsertValueInst>(instruction);
}

bool same_operation(const Instruction &left, const Instruction &right) {
  if (const auto *compare = dyn_cast<CmpInst>(&left))
    return compare->getPredicate() == cast<CmpInst>(right).getPredicate();
  if (const auto *element = dyn_cast<GetElementPtrInst>(&left))
    return print(*element->getSourceElementType()) == print(*cast<GetElementPtrInst>(right).getSourceElementType());
  if (const auto *extract = dyn_cast<ExtractValueInst>(&left))
    return extract->getIndices() == cast<ExtractValueInst>(right).getIndices();
  if (const auto *insert = dyn_cast<InsertValueInst>(&left))
    return insert->getIndices() == cast<InsertValueInst>(right).getIndices();
  return true;
}

} // namespace

bool EqualValues::go_the_same_ways() {
  if (one_.size() != other_.size() || one_.arg_size() != other_.arg_size())
    return false;
  for (const auto &[left, right] : zip_equal(one_, other_))
    opposite_[&left] = &right;
  for (const auto &[left, right] : zip_equal(one_, other_))
    if (!pair_effects(left, right))
      return false;
  return all_of(zip_equal(one_, other_),
                [&](const auto &blocks) {
                  return end_alike(*std::get<0>(blocks).getTerminator(), *std::get<1>(blocks).getTerminator());
                }) &&
         all_of(effects_, [&](const auto &pair) { return have_same_effect(*pair.first, *pair.second); });
}

/// What a value depends on but its operands: the nth instruction of a block that touches memory is the nth of the other.
bool EqualValues::pair_effects(const BasicBlock &left, const BasicBlock &right) {
  SmallVector<const Instruction *, 16> ours, theirs;
  for (const Instruction &instruction : left)
    if (has_effect(instruction))
      ours.push_back(&instruction);
  for (const Instruction &instruction : right)
    if (has_effect(instruction) && !as_call_of(&instruction, gate_see))
      theirs.push_back(&instruction);
  if (ours.size() != theirs.size())
    return false;
  for (const auto &[one, other] : zip_equal(ours, theirs))
    effects_[one] = other;
  return true;
}

bool EqualValues::have_same_effect(const Instruction &left, const Instruction &right) {
  SmallVector<Pair, 32> operands;
  return left.getOpcode() == right.getOpcode() && same_operands(left, right, operands) &&
         all_of(operands, [&](const auto &pair) { return are_equal(*pair.first, *pair.second); });
}

bool EqualValues::end_alike(const Instruction &left, const Instruction &right) {
  if (left.getOpcode() != right.getOpcode() || left.getNumSuccessors() != right.getNumSuccessors())
    return false;
  for (unsigned i = 0; i != left.getNumSuccessors(); ++i)
    if (opposite_.lookup(left.getSuccessor(i)) != right.getSuccessor(i))
      return false;
  if (isa<CallBase>(left)) {
    effects_[&left] = &right;
    return true;
  }
  if (const auto *choice = dyn_cast<SwitchInst>(&left)) {
    for (const auto &[ours, theirs] : zip_equal(choice->cases(), cast<SwitchInst>(right).cases()))
      if (ours.getCaseValue()->getValue() != theirs.getCaseValue()->getValue())
        return false;
    return are_equal(*choice->getCondition(), *cast<SwitchInst>(right).getCondition());
  }
  const auto *branch = dyn_cast<BranchInst>(&left);
  if (branch && branch->isConditional())
    return are_equal(*branch->getCondition(), *cast<BranchInst>(right).getCondition());
  return isa<BranchInst, ReturnInst, UnreachableInst, ResumeInst>(left); // what is returned leads nowhere
}

bool EqualValues::are_equal(const Value &left, const Value &right) {
  Pairs assumed;
  if (!follow(left, right, assumed))
    return false;
  proven_.insert_range(assumed);
  return true;
}

bool EqualValues::follow(const Value &left, const Value &right, Pairs &assumed) const {
  SmallVector<Pair, 32> rest{{&left, &right}};
  while (!rest.empty()) {
    const auto [ours, theirs] = rest.pop_back_val();
    if (proven_.contains({ours, theirs}) || !assumed.insert({ours, theirs}).second)
      continue;
    if (const auto *argument = dyn_cast<Argument>(ours)) {
      const auto *same = dyn_cast<Argument>(theirs);
      if (!same || same->getArgNo() != argument->getArgNo())
        return false;
    } else if (isa<Constant, InlineAsm, MetadataAsValue>(ours)) {
      if (!isa<Constant, InlineAsm, MetadataAsValue>(theirs) || text(*ours) != text(*theirs))
        return false;
    } else if (!isa<Instruction>(ours) || !isa<Instruction>(theirs) ||
               !match(*cast<Instruction>(ours), *cast<Instruction>(theirs), rest)) {
      return false;
    }
  }
  return true;
}

bool EqualValues::match(const Instruction &left, const Instruction &right, Rest &rest) const {
  if (left.getOpcode() != right.getOpcode() || print(*left.getType()) != print(*right.getType()) ||
      left.getNumOperands() < operands_that_count(left) || opposite_.lookup(left.getParent()) != right.getParent())
    return false;
  if (has_effect(left) || isa<InvokeInst>(left))
    return effects_.lookup(&left) == &right && same_operands(left, right, rest);
  if (const auto *phi = dyn_cast<PHINode>(&left))
    return match(*phi, cast<PHINode>(right), rest);
  return is_computed(left) && same_operation(left, right) && same_operands(left, right, rest);
}

bool EqualValues::match(const PHINode &left, const PHINode &right, Rest &rest) const {
  if (left.getNumIncomingValues() != right.getNumIncomingValues())
    return false;
  for (const auto &[block, value] : zip_equal(left.blocks(), left.incoming_values())) {
    const int place = right.getBasicBlockIndex(opposite_.lookup(block));
    if (place < 0)
      return false;
    rest.push_back({value.get(), right.getIncomingValue(unsigned(place))});
  }
  return true;
}

} // namespace osr
