#include "compiler/codegen/backward_flow.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/STLExtras.h>

#include <utility>

using namespace llvm;

namespace osr {

BackwardFlow::BackwardFlow(const MachineFunction &function, BitVector at_return, Step step, Enter enter)
    : at_return_(std::move(at_return)) {
  const unsigned places = at_return_.size();
  std::vector<Transfer> transfers(function.getNumBlockIDs());
  live_in_.resize(transfers.size());
  for (const MachineBasicBlock &block : function) {
    Transfer &transfer = transfers[block.getNumber()];
    transfer.always.resize(places);
    transfer.if_live_out.resize(places, true);
    BitVector *const both[] = {&transfer.always, &transfer.if_live_out};
    for (const MachineInstr &instruction : reverse(block))
      step(instruction, both);
    for (BitVector *live : both)
      enter(block, *live);
    live_in_[block.getNumber()] = transfer.always;
  }
  spread(function, transfers);
}

/// Blocks are looked at again only when what they lead to has changed: nearly all of them once.
void BackwardFlow::spread(const MachineFunction &function, ArrayRef<Transfer> transfers) {
  const SmallVector<const MachineBasicBlock *, 32> order(post_order(&function));
  BitVector outdated(transfers.size(), true), live(at_return_.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (const MachineBasicBlock *block : order) {
      const unsigned number = block->getNumber();
      if (!outdated.test(number))
        continue;
      outdated.reset(number);
      live.reset();
      add_live_out(*block, live);
      live &= transfers[number].if_live_out;
      live |= transfers[number].always;
      if (live == live_in_[number])
        continue;
      std::swap(live_in_[number], live);
      for (const MachineBasicBlock *predecessor : block->predecessors())
        outdated.set(predecessor->getNumber());
      changed = true;
    }
  }
}

void BackwardFlow::add_live_out(const MachineBasicBlock &block, BitVector &live) const {
  if (block.isReturnBlock())
    live |= at_return_;
  for (const MachineBasicBlock *successor : block.successors())
    live |= live_in(*successor);
}

BitVector BackwardFlow::live_out(const MachineBasicBlock &block) const {
  BitVector live(at_return_.size());
  add_live_out(block, live);
  return live;
}

} // namespace osr
