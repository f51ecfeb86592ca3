#include "compiler/sites/liveness.h"

#include "compiler/canonical/objects.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/IR/CFG.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

using namespace llvm;

namespace osr {
namespace {

/// An object address is computed again from its frame wherever it is needed, so using it is using the frame.
Value *used_value(Value *operand) { return is_object_address(operand) ? frame_of_object(operand) : operand; }

} // namespace

Liveness::Liveness(Function &function, function_ref<bool(const Value &)> tracked,
                   function_ref<Value *(Value &)> companion_of)
    : companion_of_(companion_of) {
  number(function, tracked);
  DenseMap<const BasicBlock *, Transfer> transfers;
  for (BasicBlock &block : function) {
    const Transfer &transfer = transfers[&block] = transfer_of(block);
    live_in_[&block] = transfer.used;
  }
  const SmallVector<BasicBlock *, 32> order(post_order(&function));
  for (bool changed = true; changed;) {
    changed = false;
    for (BasicBlock *block : order) {
      const Transfer &transfer = transfers.find(block)->second;
      BitVector live = live_out(*block);
      live.reset(transfer.defined);
      live |= transfer.used;
      if (live != live_in_[block]) {
        live_in_[block] = std::move(live);
        changed = true;
      }
    }
  }
}

void Liveness::number(Function &function, function_ref<bool(const Value &)> tracked) {
  auto add = [&](Value &value) {
    if (!tracked(value))
      return;
    number_[&value] = values_.size();
    values_.push_back(&value);
  };
  for (Argument &argument : function.args())
    add(argument);
  for (Instruction &instruction : instructions(function))
    add(instruction);
}

Liveness::Transfer Liveness::transfer_of(const BasicBlock &block) const {
  Transfer transfer{BitVector(values_.size()), BitVector(values_.size())};
  for (const Instruction &instruction : reverse(block)) {
    step_backward(instruction, transfer.used);
    if (auto found = number_.find(&instruction); found != number_.end())
      transfer.defined.set(found->second);
  }
  return transfer;
}

BitVector Liveness::live_out(const BasicBlock &block) const {
  BitVector live(values_.size());
  for (const BasicBlock *successor : successors(&block)) {
    live |= live_in_.find(successor)->second;
    for (const PHINode &phi : successor->phis())
      use(*phi.getIncomingValueForBlock(&block), live);
  }
  return live;
}

void Liveness::step_backward(const Instruction &instruction, BitVector &live) const {
  if (auto found = number_.find(&instruction); found != number_.end())
    live.reset(found->second);
  if (isa<PHINode>(instruction))
    return; // a phi's operands are live at the end of its predecessors
  for (const Use &operand : instruction.operands())
    use(*operand.get(), live);
}

void Liveness::use(Value &operand, BitVector &live) const {
  Value *used = used_value(&operand);
  const auto found = number_.find(used);
  if (found == number_.end())
    return;
  live.set(found->second);
  if (const Value *companion = companion_of_(*used); companion != used)
    if (const auto other = number_.find(companion); other != number_.end())
      live.set(other->second);
}

std::vector<Value *> Liveness::live_across(CallBase &call, ArrayRef<Value *> also) const {
  BitVector live = live_out(*call.getParent());
  for (Instruction &instruction : reverse(*call.getParent())) {
    if (&instruction == &call)
      break;
    step_backward(instruction, live);
  }
  for (Value *value : also)
    use(*value, live);
  std::vector<Value *> result;
  for (unsigned index : live.set_bits())
    if (values_[index] != &call)
      result.push_back(values_[index]);
  return result;
}

} // namespace osr
