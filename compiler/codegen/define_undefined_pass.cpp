#include "compiler/codegen/define_undefined_pass.h"

#include "compiler/target/registers.h"

#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineInstrBuilder.h>
#include <llvm/CodeGen/MachineRegisterInfo.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

using namespace llvm;

namespace osr {
namespace {

class DefineUndefinedPass final : public MachineFunctionPass {
public:
  static char ID;
  DefineUndefinedPass() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override { return "OSR definition of undefined values"; }

  bool runOnMachineFunction(MachineFunction &function) override {
    bool changed = false;
    for (MachineBasicBlock &block : function)
      for (MachineInstr &instruction : make_early_inc_range(block))
        if (instruction.isImplicitDef() && leaves_block(instruction))
          changed |= define(instruction);
    return changed;
  }

private:
  static bool leaves_block(const MachineInstr &undefined) {
    const MachineRegisterInfo &registers = undefined.getMF()->getRegInfo();
    const Register reg = undefined.getOperand(0).getReg();
    return reg.isVirtual() &&
           (!registers.hasOneDef(reg) || any_of(registers.use_nodbg_instructions(reg), [&](const MachineInstr &use) {
             return use.getParent() != undefined.getParent();
           }));
  }

  static bool define(MachineInstr &undefined) {
    MachineFunction &function = *undefined.getMF();
    const MachineRegisterInfo &registers = function.getRegInfo();
    const MachineOperand &defined = undefined.getOperand(0);
    const TargetRegisterClass &kind = *registers.getRegClass(defined.getReg());
    if (defined.getSubReg() || is_register_stack(kind, *function.getSubtarget().getRegisterInfo()))
      return false;
    const ArrayRef<MCPhysReg> order = kind.getRawAllocationOrder(function);
    const auto source = find_if(order, [&](MCPhysReg reg) { return !registers.isReserved(reg); });
    if (source == order.end())
      return false;
    BuildMI(*undefined.getParent(), undefined, undefined.getDebugLoc(),
            function.getSubtarget().getInstrInfo()->get(TargetOpcode::COPY), defined.getReg())
        .addReg(*source, RegState::Undef);
    undefined.eraseFromParent();
    return true;
  }
};

char DefineUndefinedPass::ID = 0;

} // namespace

MachineFunctionPass *create_define_undefined_pass() { return new DefineUndefinedPass(); }

} // namespace osr
