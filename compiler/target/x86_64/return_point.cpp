#include "compiler/target/return_point.h"

#include "compiler/base/check.h"
#include "compiler/target/x86_64/instruction_names.h"

#include <llvm/CodeGen/MachineFunction.h>
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

} // namespace

void insert_return_point_behind(MachineInstr &map) {
  const TargetSubtargetInfo &target = map.getMF()->getSubtarget();
  const TargetInstrInfo &instructions = *target.getInstrInfo();
  const TargetRegisterInfo &registers = *target.getRegisterInfo();
  static const unsigned nop = // numbers are the same in all functions
      find_by_name(instructions.getNumOpcodes(), patchable_nop, [&](unsigned i) { return instructions.getName(i); });
  static const unsigned rax =
      find_by_name(registers.getNumRegs(), nop_register, [&](unsigned i) { return registers.getName(i); });
  // Base, scale, index, displacement, segment; the registers are not read.
  BuildMI(*map.getParent(), std::next(map.getIterator()), map.getDebugLoc(), instructions.get(nop))
      .addReg(rax, RegState::Undef)
      .addImm(1)
      .addReg(rax, RegState::Undef)
      .addImm(return_point_nop.back())
      .addReg(0);
}

} // namespace osr
