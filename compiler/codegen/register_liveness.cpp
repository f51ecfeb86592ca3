#include "compiler/codegen/register_liveness.h"

#include "compiler/target/registers.h"

#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

using namespace llvm;

namespace osr {
namespace {

bool is_physical(const MachineOperand &operand) { return operand.isReg() && operand.getReg().isPhysical(); }

/// What the caller gets back: the callee-saved registers that are restored.
BitVector live_at_return(const MachineFunction &function, const TargetRegisterInfo &registers) {
  BitVector live(registers.getNumRegUnits());
  for (const CalleeSavedInfo &saved : function.getFrameInfo().getCalleeSavedInfo())
    if (saved.isRestored())
      for (MCRegUnit unit : registers.regunits(saved.getReg()))
        live.set(static_cast<unsigned>(unit));
  return live;
}

} // namespace

bool may_keep(const MachineInstr &instruction, MCRegister reg) {
  return instruction.getDesc().getNumOperands() == 0 && !instruction.isCall() && !instruction.isInlineAsm() &&
         is_in_extended_state(reg, *instruction.getMF()->getSubtarget().getRegisterInfo());
}

RegisterLiveness::RegisterLiveness(const MachineFunction &function)
    : registers_(*function.getSubtarget().getRegisterInfo()) {
  flow_.emplace(function, live_at_return(function, registers_),
                [&](const MachineInstr &instruction, BackwardFlow::Sets live) { step_backward(instruction, live); });
}

const BitVector &RegisterLiveness::destroyed_by(const std::uint32_t *mask) {
  auto [found, is_new] = destroyed_.try_emplace(mask);
  if (!is_new)
    return found->second;
  BitVector &units = found->second;
  units.resize(registers_.getNumRegUnits());
  units.set();
  for (MCRegUnit unit : registers_.regunits())
    for (MCRegUnitRootIterator root(unit, &registers_); root.isValid(); ++root)
      if (!MachineOperand::clobbersPhysReg(mask, *root)) // a part that is kept is enough
        units.reset(static_cast<unsigned>(unit));
  return units;
}

void RegisterLiveness::remove_overwritten(const MachineInstr &instruction, BackwardFlow::Sets live) {
  for (const MachineOperand &operand : instruction.operands()) {
    if (operand.isRegMask())
      for (BitVector *each : live)
        each->reset(destroyed_by(operand.getRegMask()));
    else if (is_physical(operand) && operand.isDef() && !may_keep(instruction, operand.getReg()))
      for (MCRegUnit unit : registers_.regunits(operand.getReg()))
        for (BitVector *each : live)
          each->reset(static_cast<unsigned>(unit));
  }
}

void RegisterLiveness::step_backward(const MachineInstr &instruction, BackwardFlow::Sets live) {
  if (instruction.isDebugInstr())
    return;
  remove_overwritten(instruction, live);
  for (const MachineOperand &operand : instruction.operands())
    if (is_physical(operand) && operand.readsReg())
      for (MCRegUnit unit : registers_.regunits(operand.getReg()))
        for (BitVector *each : live)
          each->set(static_cast<unsigned>(unit));
}

bool RegisterLiveness::is_live(MCRegister reg, const BitVector &live) const {
  return any_of(registers_.regunits(reg), [&](MCRegUnit unit) { return live.test(static_cast<unsigned>(unit)); });
}

} // namespace osr
