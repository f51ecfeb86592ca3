#include "compiler/codegen/return_point_pass.h"

#include "compiler/base/check.h"
#include "compiler/target/gap.h"
#include "compiler/target/return_point.h"

#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineInstrBuilder.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

using namespace llvm;

namespace osr {
namespace {

/// LLVM's headers do not name the machine's instructions and registers; its tables do.
template <typename NameOf> unsigned find_by_name(unsigned count, StringRef name, NameOf name_of) {
  for (unsigned number = 1; number < count; ++number)
    if (name_of(number) == name)
      return number;
  OSR_CHECK(false, "LLVM's code generator knows no '{}'", name.str());
}

class ReturnPointPass final : public MachineFunctionPass {
public:
  static char ID;
  ReturnPointPass() : MachineFunctionPass(ID) {}

  StringRef getPassName() const override { return "OSR return points"; }

  bool runOnMachineFunction(MachineFunction &function) override {
    const TargetInstrInfo &instructions = *function.getSubtarget().getInstrInfo();
    const TargetRegisterInfo &registers = *function.getSubtarget().getRegisterInfo();
    for (MachineBasicBlock &block : function)
      for (MachineInstr &map : block) {
        if (map.getOpcode() != TargetOpcode::STACKMAP)
          continue;
        OSR_CHECK(map.getIterator() != block.begin() && is_returning_call(*std::prev(map.getIterator())),
                  "a stack map of '{}' is not behind its call", function.getName().str());
        if (!nop_) {
          nop_ =
              find_by_name(instructions.getNumOpcodes(), "NOOPL", [&](unsigned i) { return instructions.getName(i); });
          rax_ = find_by_name(registers.getNumRegs(), "RAX", [&](unsigned i) { return registers.getName(i); });
        }
        // Base, scale, index, displacement, segment; the registers are not read.
        BuildMI(block, std::next(map.getIterator()), map.getDebugLoc(), instructions.get(nop_))
            .addReg(rax_, RegState::Undef)
            .addImm(1)
            .addReg(rax_, RegState::Undef)
            .addImm(return_point_nop.back())
            .addReg(0);
      }
    return true;
  }

private:
  unsigned nop_ = 0, rax_ = 0;
};

char ReturnPointPass::ID = 0;

} // namespace

MachineFunctionPass *create_return_point_pass() { return new ReturnPointPass(); }

} // namespace osr
