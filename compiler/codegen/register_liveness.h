// Which registers may still be read. What anchoring deletes and what the certificate proves rests on this.
#pragma once

#include "compiler/codegen/backward_flow.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/CodeGen/TargetRegisterInfo.h>

#include <optional>

namespace osr {

/// Whether `reg` is one of those that a machine instruction says to define without an operand for it, and may leave as
/// it is. Such are the instructions that change the state of the whole register file: LLVM models `vzeroupper` as the
/// end of ymm0 to ymm15, which are xmm0 to xmm15 too, and their lower halves outlive it; `emms` and `fninit` likewise.
bool may_keep(const llvm::MachineInstr &instruction, llvm::MCRegister reg);

/// Liveness of register units, careful in each doubt: an instruction overwrites what it certainly overwrites, all of it.
class RegisterLiveness {
public:
  /// Looks at the whole function.
  explicit RegisterLiveness(const llvm::MachineFunction &function);

  const llvm::BitVector &live_in(const llvm::MachineBasicBlock &block) const { return flow_->live_in(block); }
  llvm::BitVector live_out(const llvm::MachineBasicBlock &block) const { return flow_->live_out(block); }
  /// Makes the units that are live after `instruction` those that are live before it.
  void step_backward(const llvm::MachineInstr &instruction, BackwardFlow::Sets live);
  /// Takes away what `instruction` certainly overwrites.
  void remove_overwritten(const llvm::MachineInstr &instruction, BackwardFlow::Sets live);
  bool is_live(llvm::MCRegister reg, const llvm::BitVector &live) const;

private:
  const llvm::BitVector &destroyed_by(const std::uint32_t *mask);

  const llvm::TargetRegisterInfo &registers_;
  llvm::DenseMap<const std::uint32_t *, llvm::BitVector> destroyed_; ///< units by register mask
  std::optional<BackwardFlow> flow_;
};

} // namespace osr
