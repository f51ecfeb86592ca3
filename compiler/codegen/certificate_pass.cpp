#include "compiler/codegen/certificate_pass.h"

#include "compiler/codegen/backward_flow.h"
#include "compiler/codegen/frame_bytes.h"
#include "compiler/codegen/gap.h"
#include "compiler/codegen/register_liveness.h"

#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineRegisterInfo.h>
#include <llvm/CodeGen/StackMaps.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

#include <optional>

using namespace llvm;

namespace osr {
namespace {

class CertificatePass final : public MachineFunctionPass {
public:
  static char ID;
  explicit CertificatePass(CodegenReport &report) : MachineFunctionPass(ID), report_(report) {}

  StringRef getPassName() const override { return "OSR baseline certificate"; }

  bool runOnMachineFunction(MachineFunction &function) override {
    if (!function.getFrameInfo().hasStackMap())
      return false;
    FrameBytes frame(function);
    BackwardFlow bytes(
        function, BitVector(frame.size()),
        [&](const MachineInstr &instruction, BackwardFlow::Sets live) { frame.step_backward(instruction, live); },
        [&](const MachineBasicBlock &block, BitVector &live) { frame.enter(block, live); });
    RegisterLiveness registers(function);
    for (MachineBasicBlock &block : function)
      certify(block, frame, bytes, registers);
    return false;
  }

private:
  /// What is live behind a call of `block` when it returns or throws: what the block still does after a return it does
  /// not do before it lands. `Liveness`: of bytes or of registers.
  template <typename Liveness>
  static BitVector with_landing_pads(const MachineBasicBlock &block, BitVector live, const Liveness &liveness) {
    for (const MachineBasicBlock *successor : block.successors())
      if (successor->isEHPad())
        live |= liveness.live_in(*successor);
    return live;
  }

  void certify(const MachineBasicBlock &block, const FrameBytes &frame, const BackwardFlow &bytes,
               RegisterLiveness &registers) {
    if (none_of(block, [](const MachineInstr &each) { return each.getOpcode() == TargetOpcode::STACKMAP; }))
      return;
    BitVector live = bytes.live_out(block), live_registers = registers.live_out(block);
    const MachineInstr *map = nullptr;
    for (const MachineInstr &instruction : reverse(block)) {
      if (instruction.getOpcode() == TargetOpcode::STACKMAP) {
        map = &instruction;
        continue; // its operands are the claim, not a use
      }
      if (is_returning_call(instruction) && map)
        prove(*map, instruction, frame, with_landing_pads(block, live, bytes), registers,
              with_landing_pads(block, live_registers, registers));
      map = nullptr;
      frame.step_backward(instruction, &live);
      registers.step_backward(instruction, &live_registers);
    }
  }

  void prove(const MachineInstr &map, const MachineInstr &call, const FrameBytes &frame, BitVector live,
             RegisterLiveness &registers, const BitVector &live_behind) {
    const MachineFunction &function = *call.getMF();
    std::uint32_t number = StackMapOpers(&map).getID();
    for (const MapOperand &operand : read_map_operands(map)) {
      std::optional<FrameBytes::Range> slot = slot_at(frame, operand);
      if (!slot) {
        report_.not_certified[number] = "an operand is no frame slot";
        return;
      }
      frame.reset(live, *slot);
    }
    for (const CalleeSavedInfo &saved : function.getFrameInfo().getCalleeSavedInfo())
      if (!saved.isSpilledToReg())
        if (auto slot = frame.range(saved.getFrameIdx()))
          frame.reset(live, *slot);
    if (live.any()) {
      report_.not_certified[number] = describe(function, frame, frame.offset(live.find_first())) + " is live";
      return;
    }
    const TargetRegisterInfo &info = *function.getSubtarget().getRegisterInfo();
    BitVector live_registers = live_behind;
    registers.remove_overwritten(call, &live_registers);
    for (unsigned unit : live_registers.set_bits()) {
      const MCRegister root = *MCRegUnitRootIterator(MCRegUnit(unit), &info);
      if (!function.getRegInfo().isReserved(root) && !info.regsOverlap(root, frame.frame_pointer())) {
        MCRegister whole = root;
        for (MCPhysReg larger : info.superregs(root))
          whole = larger;
        report_.not_certified[number] = std::string("register ") + info.getName(whole) + " is live";
        return;
      }
    }
  }

  /// The object that a record names.
  static std::optional<FrameBytes::Range> slot_at(const FrameBytes &frame, const MapOperand &operand) {
    if (operand.kind != MapOperand::Kind::Direct || operand.reg != frame.frame_pointer())
      return std::nullopt;
    const int index = frame.object_at(operand.offset);
    const auto range = index == FrameBytes::none || index < 0 ? std::nullopt : frame.range(index);
    return range && range->first == operand.offset ? range : std::nullopt;
  }

  static std::string describe(const MachineFunction &function, const FrameBytes &frame, std::int64_t offset) {
    const int index = frame.object_at(offset);
    if (index == FrameBytes::none)
      return "an unrecorded byte of the frame";
    const MachineFrameInfo &info = function.getFrameInfo();
    const char *kind = info.isFixedObjectIndex(index)       ? "argument"
                       : info.isSpillSlotObjectIndex(index) ? "spill slot"
                                                            : "local object";
    return std::string("an unrecorded ") + kind + " of " + std::to_string(info.getObjectSize(index)) + " bytes";
  }

  CodegenReport &report_;
};

char CertificatePass::ID = 0;

} // namespace

MachineFunctionPass *create_certificate_pass(CodegenReport &report) { return new CertificatePass(report); }

} // namespace osr
