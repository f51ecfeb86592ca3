#include "compiler/codegen/backward_flow.h"

#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/STLExtras.h>

#include <utility>

using namespace llvm;

namespace osr {
namespace {

/// What a block makes of each place, from looking at its instructions once: live at its beginning in any case, or if it is
/// live at its end, or not.
struct Transfer {
  BitVector always, if_live_out;
};

} // namespace

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
  const SmallVector<const MachineBasicBlock *, 32> order(post_order(&function));
  for (bool changed = true; changed;) {
    changed = false;
    for (const MachineBasicBlock *block : order) {
      const Transfer &transfer = transfers[block->getNumber()];
      BitVector live = live_out(*block);
      live &= transfer.if_live_out;
      live |= transfer.always;
      BitVector &known = live_in_[block->getNumber()];
      if (live != known) {
        known = std::move(live);
        changed = true;
      }
    }
  }
}

BitVector BackwardFlow::live_out(const MachineBasicBlock &block) const {
  BitVector live(at_return_.size());
  if (block.isReturnBlock())
    live |= at_return_;
  for (const MachineBasicBlock *successor : block.successors())
    live |= live_in(*successor);
  return live;
}

} // namespace osr
