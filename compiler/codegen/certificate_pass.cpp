#include "compiler/codegen/certificate_pass.h"

#include "compiler/codegen/gap.h"

#include <llvm/ADT/BitVector.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/CodeGen/LivePhysRegs.h>
#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/StackMaps.h>
#include <llvm/CodeGen/TargetFrameLowering.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

using namespace llvm;

namespace osr {
namespace {

/// The objects of one frame as byte ranges relative to the frame pointer.
class FrameObjects {
public:
  explicit FrameObjects(const MachineFunction &function)
      : frame_(function.getFrameInfo()), target_(function.getSubtarget()),
        frame_pointer_(target_.getRegisterInfo()->getFrameRegister(function)) {
    for (int index = frame_.getObjectIndexBegin(); index < frame_.getObjectIndexEnd(); ++index) {
      if (frame_.isDeadObjectIndex(index))
        continue;
      Register base;
      std::int64_t offset =
          target_.getFrameLowering()->getFrameIndexReference(function, index, base).getFixed();
      if (base == frame_pointer_)
        objects_.push_back({index, offset, offset + std::max<std::int64_t>(1, frame_.getObjectSize(index))});
    }
  }

  std::size_t size() const { return objects_.size(); }
  Register frame_pointer() const { return frame_pointer_; }
  int index(unsigned number) const { return objects_[number].index; }

  /// Objects that [begin, end) touches; with `whole`, only those it covers completely.
  BitVector touched(std::int64_t begin, std::int64_t end, bool whole) const {
    BitVector result(objects_.size());
    for (unsigned i = 0; i < objects_.size(); ++i) {
      bool hit = whole ? begin <= objects_[i].begin && objects_[i].end <= end
                       : begin < objects_[i].end && objects_[i].begin < end;
      if (hit)
        result.set(i);
    }
    return result;
  }

  /// What one instruction does to the frame: first its stores, then its loads, seen backwards.
  void step_backward(const MachineInstr &instruction, BitVector &live) const {
    if (instruction.getOpcode() == TargetOpcode::STACKMAP || instruction.isDebugInstr() ||
        instruction.isCFIInstruction() || instruction.getFlag(MachineInstr::FrameSetup) ||
        instruction.getFlag(MachineInstr::FrameDestroy))
      return;
    if (!instruction.readsRegister(frame_pointer_, target_.getRegisterInfo()) || instruction.isReturn())
      return;
    SmallVector<const MachineOperand *, 4> bases;
    std::int64_t offset = 0;
    bool scalable = false;
    LocationSize width = LocationSize::beforeOrAfterPointer();
    bool known = (instruction.mayLoad() || instruction.mayStore()) &&
                 target_.getInstrInfo()->getMemOperandsWithOffsetWidth(instruction, bases, offset, scalable, width,
                                                                       target_.getRegisterInfo()) &&
                 bases.size() == 1 && bases[0]->isReg() && bases[0]->getReg() == frame_pointer_;
    if (!known) {
      live.set(); // an address of the frame is taken: anything may be read
      return;
    }
    bool sized = width.hasValue();
    std::int64_t end = offset + (sized ? std::int64_t(width.getValue().getKnownMinValue()) : 1);
    if (instruction.mayStore() && sized)
      live.reset(touched(offset, end, true));
    if (instruction.mayLoad())
      live |= touched(offset, end, false);
  }

private:
  struct Object {
    int index;
    std::int64_t begin, end;
  };
  const MachineFrameInfo &frame_;
  const TargetSubtargetInfo &target_;
  Register frame_pointer_;
  std::vector<Object> objects_;
};

class CertificatePass final : public MachineFunctionPass {
public:
  static char ID;
  explicit CertificatePass(CodegenReport &report) : MachineFunctionPass(ID), report_(report) {}

  StringRef getPassName() const override { return "OSR baseline certificate"; }

  bool runOnMachineFunction(MachineFunction &function) override {
    if (!function.getFrameInfo().hasStackMap())
      return false;
    FrameObjects objects(function);
    DenseMap<const MachineBasicBlock *, BitVector> live_in = solve(function, objects);
    for (MachineBasicBlock &block : function)
      certify(block, objects, live_in);
    return false;
  }

private:
  using LiveIn = DenseMap<const MachineBasicBlock *, BitVector>;

  static BitVector live_out(const MachineBasicBlock &block, const FrameObjects &objects, const LiveIn &live_in) {
    BitVector live(objects.size());
    for (const MachineBasicBlock *successor : block.successors())
      live |= live_in.find(successor)->second;
    return live;
  }

  static LiveIn solve(const MachineFunction &function, const FrameObjects &objects) {
    LiveIn live_in;
    for (const MachineBasicBlock &block : function)
      live_in[&block].resize(objects.size());
    for (bool changed = true; changed;) {
      changed = false;
      for (const MachineBasicBlock *block : post_order(&function)) {
        BitVector live = live_out(*block, objects, live_in);
        for (const MachineInstr &instruction : reverse(*block))
          objects.step_backward(instruction, live);
        if (live != live_in[block]) {
          live_in[block] = std::move(live);
          changed = true;
        }
      }
    }
    return live_in;
  }

  void certify(const MachineBasicBlock &block, const FrameObjects &objects, const LiveIn &live_in) {
    const MachineFunction &function = *block.getParent();
    BitVector live = live_out(block, objects, live_in);
    LivePhysRegs registers(*function.getSubtarget().getRegisterInfo());
    registers.addLiveOutsNoPristines(block);
    const MachineInstr *map = nullptr;
    for (const MachineInstr &instruction : reverse(block)) {
      if (instruction.getOpcode() == TargetOpcode::STACKMAP) {
        map = &instruction;
        continue; // its operands are the claim, not a use
      }
      if (is_returning_call(instruction) && map)
        prove(*map, instruction, objects, live, registers);
      map = nullptr;
      objects.step_backward(instruction, live);
      registers.stepBackward(instruction);
    }
  }

  void prove(const MachineInstr &map, const MachineInstr &call, const FrameObjects &objects, BitVector live,
             const LivePhysRegs &registers) {
    const MachineFunction &function = *call.getMF();
    std::uint32_t number = StackMapOpers(&map).getID();
    for (const MapOperand &operand : read_map_operands(map)) {
      if (operand.kind != MapOperand::Kind::Direct || operand.reg != objects.frame_pointer()) {
        report_.not_certified[number] = "an operand is no frame slot";
        return;
      }
      live.reset(objects.touched(operand.offset, operand.offset + 1, false));
    }
    for (unsigned object : live.set_bits())
      if (!is_save_slot(function, objects.index(object))) {
        report_.not_certified[number] = describe(function, objects.index(object)) + " is live";
        return;
      }
    const TargetRegisterInfo &info = *function.getSubtarget().getRegisterInfo();
    for (MCPhysReg reg : registers)
      if (!function.getRegInfo().isReserved(reg) && !info.regsOverlap(reg, objects.frame_pointer()) &&
          !call.modifiesRegister(reg, &info)) {
        report_.not_certified[number] = std::string("register ") + info.getName(reg) + " is live";
        return;
      }
  }

  static std::string describe(const MachineFunction &function, int index) {
    const MachineFrameInfo &frame = function.getFrameInfo();
    const char *kind = frame.isFixedObjectIndex(index)       ? "argument"
                       : frame.isSpillSlotObjectIndex(index) ? "spill slot"
                                                             : "local object";
    return std::string("an unrecorded ") + kind + " of " + std::to_string(frame.getObjectSize(index)) + " bytes";
  }

  static bool is_save_slot(const MachineFunction &function, int index) {
    for (const CalleeSavedInfo &saved : function.getFrameInfo().getCalleeSavedInfo())
      if (!saved.isSpilledToReg() && saved.getFrameIdx() == index)
        return true;
    return false;
  }

  CodegenReport &report_;
};

char CertificatePass::ID = 0;

} // namespace

MachineFunctionPass *create_certificate_pass(CodegenReport &report) { return new CertificatePass(report); }

} // namespace osr
