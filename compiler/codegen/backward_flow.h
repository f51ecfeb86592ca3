// Backward dataflow over the final machine code: what may still be read, and by whom it is overwritten.
#pragma once

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/CodeGen/MachineFunction.h>

#include <vector>

namespace osr {

/// Which of a set of places (bits) are live at the ends of the blocks of a function. It rests on nothing but the
/// instructions and the edges between blocks: the lists of registers that LLVM keeps at blocks are not asked.
class BackwardFlow {
public:
  /// Sets of places to which the same is done: finding out what an instruction does is the dear part.
  using Sets = llvm::ArrayRef<llvm::BitVector *>;
  /// Makes the places that are live after an instruction those that are live before it, in each of the sets. It has to treat
  /// each place by itself: what it adds or takes away must not depend on the other places.
  using Step = llvm::function_ref<void(const llvm::MachineInstr &, Sets)>;
  /// Likewise for the entry of a block and one set.
  using Enter = llvm::function_ref<void(const llvm::MachineBasicBlock &, llvm::BitVector &)>;

  /// `at_return`: what is live where the function returns.
  BackwardFlow(
      const llvm::MachineFunction &function, llvm::BitVector at_return, Step step,
      Enter enter = [](const llvm::MachineBasicBlock &, llvm::BitVector &) {});

  const llvm::BitVector &live_in(const llvm::MachineBasicBlock &block) const { return live_in_[block.getNumber()]; }
  llvm::BitVector live_out(const llvm::MachineBasicBlock &block) const;

private:
  /// What a block makes of each place, from looking at its instructions once: live at its beginning in any case, or if it is
  /// live at its end, or not.
  struct Transfer {
    llvm::BitVector always, if_live_out;
  };

  void spread(const llvm::MachineFunction &function, llvm::ArrayRef<Transfer> transfers);
  void add_live_out(const llvm::MachineBasicBlock &block, llvm::BitVector &live) const;

  llvm::BitVector at_return_;
  std::vector<llvm::BitVector> live_in_; ///< by block number
};

} // namespace osr
