#include "compiler/codegen/certificate_pass.h"

#include "compiler/codegen/backward_flow.h"
#include "compiler/codegen/gap.h"
#include "compiler/codegen/register_liveness.h"

#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/StackMaps.h>
#include <llvm/CodeGen/TargetFrameLowering.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

#include <algorithm>
#include <climits>
#include <optional>
#include <utility>

using namespace llvm;

namespace osr {
namespace {

/// A set of frame bytes, as offsets from the frame pointer.
class FrameBytes {
public:
  explicit FrameBytes(const MachineFunction &function)
      : function_(function), target_(function.getSubtarget()),
        frame_pointer_(target_.getRegisterInfo()->getFrameRegister(function)) {
    const MachineFrameInfo &frame = function.getFrameInfo();
    for (int index = frame.getObjectIndexBegin(); index < frame.getObjectIndexEnd(); ++index)
      if (auto object = range(index)) {
        begin_ = std::min(begin_, object->first);
        end_ = std::max(end_, object->second);
      }
    find_padding();
    find_temporaries();
  }

  using Range = std::pair<std::int64_t, std::int64_t>;

  /// Where an object lies; nothing if it is not addressed through the frame pointer.
  std::optional<Range> range(int index) const {
    const MachineFrameInfo &frame = function_.getFrameInfo();
    if (frame.isDeadObjectIndex(index))
      return std::nullopt;
    Register base;
    std::int64_t offset = target_.getFrameLowering()->getFrameIndexReference(function_, index, base).getFixed();
    if (base != frame_pointer_)
      return std::nullopt;
    return Range(offset, offset + std::max<std::int64_t>(1, frame.getObjectSize(index)));
  }

  unsigned size() const { return unsigned(std::max<std::int64_t>(0, end_ - begin_)); }
  Register frame_pointer() const { return frame_pointer_; }
  std::int64_t offset(unsigned bit) const { return begin_ + bit; }
  void set(BitVector &bytes, Range range) const {
    change(bytes, range, true);
    bytes.reset(padding_);
  }
  void reset(BitVector &bytes, Range range) const { change(bytes, range, false); }

  /// What is live where a block begins: no temporary of the block. Instruction selection works through the IR block by block,
  /// so a temporary that one block alone uses is written before it is read whenever that block is executed. That is how
  /// the room for what `modf` and its kind store is known to hold nothing before, although nobody but the library
  /// function is seen to write it.
  void enter(const MachineBasicBlock &block, BitVector &live) const {
    if (auto found = temporaries_.find(&block); found != temporaries_.end())
      for (Range temporary : found->second)
        reset(live, temporary);
  }

  /// What one instruction does to the frame, seen backwards: first its stores, then its loads.
  void step_backward(const MachineInstr &instruction, BitVector &live) const {
    if (instruction.getOpcode() == TargetOpcode::STACKMAP || instruction.isDebugInstr() ||
        instruction.isCFIInstruction() || instruction.getFlag(MachineInstr::FrameSetup) ||
        instruction.getFlag(MachineInstr::FrameDestroy))
      return;
    if (!instruction.readsRegister(frame_pointer_, target_.getRegisterInfo()) || instruction.isReturn())
      return;
    if (std::optional<Range> accessed = access(instruction)) {
      if (instruction.mayStore())
        reset(live, *accessed);
      if (instruction.mayLoad())
        set(live, *accessed);
      return;
    }
    // The address of a temporary is computed, or a part of one is accessed by index. What is read through the address
    // is read before the next site: the address would be live there otherwise.
    const int object = object_of(instruction);
    if (object == none)
      set(live, {begin_, end_}); // anything may be read
    else if (!instruction.mayStore())
      set(live, *range(object));
  }

private:
  static constexpr int none = INT_MAX; ///< no object; those of arguments have negative numbers

  /// The object in which an instruction reads, writes or computes an address.
  int object_of(const MachineInstr &instruction) const {
    std::optional<std::int64_t> offset = frame_displacement(instruction, frame_pointer_);
    const MachineFrameInfo &frame = function_.getFrameInfo();
    for (int index = frame.getObjectIndexBegin(); offset && index < frame.getObjectIndexEnd(); ++index)
      if (auto object = range(index); object && object->first <= *offset && *offset < object->second)
        return index;
    return none;
  }

  /// Objects that instruction selection made for itself: neither variables of the IR nor places of arguments or spills.
  bool is_temporary(int index) const {
    const MachineFrameInfo &frame = function_.getFrameInfo();
    return index >= 0 && index != none && !frame.isSpillSlotObjectIndex(index) && !frame.getObjectAllocation(index);
  }

  /// The bytes of a slot that a store of its value leaves alone: loads may read them along, but nothing is in them.
  void find_padding() {
    const MachineFrameInfo &frame = function_.getFrameInfo();
    padding_.resize(size());
    for (int index = 0; index < frame.getObjectIndexEnd(); ++index) {
      const AllocaInst *slot = frame.getObjectAllocation(index);
      const auto object = slot && !slot->isArrayAllocation() ? range(index) : std::nullopt;
      if (object)
        change(padding_,
               {object->first + std::int64_t(function_.getDataLayout().getTypeStoreSize(slot->getAllocatedType())),
                object->second},
               true);
    }
  }

  void find_temporaries() {
    const MachineFrameInfo &frame = function_.getFrameInfo();
    if (none_of(seq(0, frame.getObjectIndexEnd()), [&](int index) { return is_temporary(index); }))
      return;
    DenseMap<int, SmallPtrSet<const BasicBlock *, 2>> users; // by object
    DenseMap<const BasicBlock *, const MachineBasicBlock *> begins;
    for (const MachineBasicBlock &block : function_) {
      begins.try_emplace(block.getBasicBlock(), &block); // what selection adds to a block stands behind it
      for (const MachineInstr &instruction : block)
        if (int index = object_of(instruction); is_temporary(index))
          users[index].insert(block.getBasicBlock());
    }
    for (const auto &[index, blocks] : users)
      if (blocks.size() == 1 && *blocks.begin())
        temporaries_[begins[*blocks.begin()]].push_back(*range(index));
  }

  /// The frame bytes that an instruction loads or stores, when it does nothing else with the frame pointer.
  std::optional<Range> access(const MachineInstr &instruction) const {
    SmallVector<const MachineOperand *, 4> bases;
    std::int64_t offset = 0;
    bool scalable = false;
    LocationSize width = LocationSize::beforeOrAfterPointer();
    bool known = (instruction.mayLoad() || instruction.mayStore()) &&
                 target_.getInstrInfo()->getMemOperandsWithOffsetWidth(instruction, bases, offset, scalable, width,
                                                                       target_.getRegisterInfo()) &&
                 bases.size() == 1 && bases[0]->isReg() && bases[0]->getReg() == frame_pointer_;
    if (!known)
      return std::nullopt;
    std::int64_t bytes = width.hasValue() ? std::int64_t(width.getValue().getKnownMinValue()) : 0;
    if (bytes == 0)
      bytes = x87_access_bytes(instruction);
    if (bytes == 0)
      return std::nullopt;
    return Range(offset, offset + bytes);
  }

  void change(BitVector &bytes, Range range, bool value) const {
    std::int64_t begin = std::max(range.first, begin_), end = std::min(range.second, end_);
    if (begin >= end)
      return;
    if (value)
      bytes.set(unsigned(begin - begin_), unsigned(end - begin_));
    else
      bytes.reset(unsigned(begin - begin_), unsigned(end - begin_));
  }

  const MachineFunction &function_;
  const TargetSubtargetInfo &target_;
  Register frame_pointer_;
  std::int64_t begin_ = INT64_MAX, end_ = INT64_MIN;
  BitVector padding_;
  DenseMap<const MachineBasicBlock *, SmallVector<Range, 1>> temporaries_; ///< by the block that alone uses them
};

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
        [&](const MachineInstr &instruction, BitVector &live) { frame.step_backward(instruction, live); },
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
      frame.step_backward(instruction, live);
      registers.step_backward(instruction, live_registers);
    }
  }

  void prove(const MachineInstr &map, const MachineInstr &call, const FrameBytes &frame, BitVector live,
             RegisterLiveness &registers, BitVector live_registers) {
    const MachineFunction &function = *call.getMF();
    std::uint32_t number = StackMapOpers(&map).getID();
    for (const MapOperand &operand : read_map_operands(map)) {
      std::optional<FrameBytes::Range> slot = slot_at(function, frame, operand);
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
    registers.remove_overwritten(call, live_registers);
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
  static std::optional<FrameBytes::Range> slot_at(const MachineFunction &function, const FrameBytes &frame,
                                                  const MapOperand &operand) {
    if (operand.kind != MapOperand::Kind::Direct || operand.reg != frame.frame_pointer())
      return std::nullopt;
    const MachineFrameInfo &info = function.getFrameInfo();
    for (int index = 0; index < info.getObjectIndexEnd(); ++index)
      if (auto range = frame.range(index); range && range->first == operand.offset)
        return range;
    return std::nullopt;
  }

  static std::string describe(const MachineFunction &function, const FrameBytes &frame, std::int64_t offset) {
    const MachineFrameInfo &info = function.getFrameInfo();
    for (int index = info.getObjectIndexBegin(); index < info.getObjectIndexEnd(); ++index)
      if (auto range = frame.range(index); range && range->first <= offset && offset < range->second) {
        const char *kind = info.isFixedObjectIndex(index)       ? "argument"
                           : info.isSpillSlotObjectIndex(index) ? "spill slot"
                                                                : "local object";
        return std::string("an unrecorded ") + kind + " of " + std::to_string(info.getObjectSize(index)) + " bytes";
      }
    return "an unrecorded byte of the frame";
  }

  CodegenReport &report_;
};

char CertificatePass::ID = 0;

} // namespace

MachineFunctionPass *create_certificate_pass(CodegenReport &report) { return new CertificatePass(report); }

} // namespace osr
