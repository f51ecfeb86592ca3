#include "compiler/codegen/frame_bytes.h"

#include "compiler/target/instructions.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/CodeGen/MachineFrameInfo.h>
#include <llvm/CodeGen/TargetFrameLowering.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/DataLayout.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>

using namespace llvm;

namespace osr {

FrameBytes::FrameBytes(const MachineFunction &function)
    : function_(function), target_(function.getSubtarget()),
      frame_pointer_(target_.getRegisterInfo()->getFrameRegister(function)),
      first_index_(function.getFrameInfo().getObjectIndexBegin()) {
  const TargetRegisterInfo &registers = *target_.getRegisterInfo();
  frame_pointer_parts_.resize(registers.getNumRegs());
  for (MCRegAliasIterator part(frame_pointer_, &registers, /*IncludeSelf=*/true); part.isValid(); ++part)
    frame_pointer_parts_.set(*part);
  find_objects();
  find_padding();
  find_temporaries();
}

void FrameBytes::find_objects() {
  const MachineFrameInfo &frame = function_.getFrameInfo();
  std::int64_t begin = INT64_MAX, end = INT64_MIN;
  for (int index = first_index_; index < frame.getObjectIndexEnd(); ++index) {
    std::optional<Range> &object = ranges_.emplace_back();
    if (frame.isDeadObjectIndex(index))
      continue;
    Register base;
    const std::int64_t offset = target_.getFrameLowering()->getFrameIndexReference(function_, index, base).getFixed();
    if (base != frame_pointer_)
      continue;
    object = Range(offset, offset + std::max<std::int64_t>(1, frame.getObjectSize(index)));
    begin = std::min(begin, object->first);
    end = std::max(end, object->second);
  }
  if (begin >= end)
    return;
  begin_ = begin;
  end_ = end;
  objects_.assign(std::size_t(end - begin), none);
  for (int index = frame.getObjectIndexEnd(); index-- > first_index_;) // the first comes last, and has the last word
    if (auto object = range(index))
      std::fill(objects_.begin() + (object->first - begin), objects_.begin() + (object->second - begin), index);
}

/// The bytes of a slot that a store of its value leaves alone: loads may read them along, but nothing is in them.
void FrameBytes::find_padding() {
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

/// Objects that instruction selection made for itself: neither variables of the IR nor places of arguments or spills.
bool FrameBytes::is_temporary(int index) const {
  const MachineFrameInfo &frame = function_.getFrameInfo();
  return index >= 0 && index != none && !frame.isSpillSlotObjectIndex(index) && !frame.getObjectAllocation(index);
}

void FrameBytes::find_temporaries() {
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

void FrameBytes::enter(const MachineBasicBlock &block, BitVector &live) const {
  if (auto found = temporaries_.find(&block); found != temporaries_.end())
    for (Range temporary : found->second)
      reset(live, temporary);
}

void FrameBytes::step_backward(const MachineInstr &instruction, BackwardFlow::Sets live) const {
  if (!reads_frame_pointer(instruction))
    return;
  const Effect effect = effect_of(instruction);
  for (BitVector *each : live) {
    reset(*each, effect.written);
    set(*each, effect.read);
  }
}

bool FrameBytes::reads_frame_pointer(const MachineInstr &instruction) const {
  return any_of(instruction.operands(), [&](const MachineOperand &operand) {
    return operand.isReg() && operand.isUse() && operand.getReg() && frame_pointer_parts_.test(operand.getReg().id());
  });
}

FrameBytes::Effect FrameBytes::effect_of(const MachineInstr &instruction) const {
  if (instruction.getOpcode() == TargetOpcode::STACKMAP || instruction.isDebugInstr() ||
      instruction.isCFIInstruction() || instruction.getFlag(MachineInstr::FrameSetup) ||
      instruction.getFlag(MachineInstr::FrameDestroy) || instruction.isReturn())
    return {};
  if (const std::optional<Range> accessed = access(instruction))
    return {instruction.mayStore() ? *accessed : Range(), instruction.mayLoad() ? *accessed : Range()};
  // The address of a temporary is computed, or a part of one is accessed by index. What is read through the address
  // is read before the next site: the address would be live there otherwise.
  const int object = object_of(instruction);
  if (object == none)
    return {{}, {begin_, end_}}; // anything may be read
  return {{}, instruction.mayStore() ? Range() : *range(object)};
}

/// The object in which an instruction reads, writes or computes an address.
int FrameBytes::object_of(const MachineInstr &instruction) const {
  const std::optional<std::int64_t> offset = frame_displacement(instruction, frame_pointer_);
  return offset ? object_at(*offset) : none;
}

/// The frame bytes that an instruction loads or stores, when it does nothing else with the frame pointer.
std::optional<FrameBytes::Range> FrameBytes::access(const MachineInstr &instruction) const {
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
    bytes = undescribed_access_bytes(instruction);
  if (bytes == 0)
    return std::nullopt;
  return Range(offset, offset + bytes);
}

void FrameBytes::set(BitVector &bytes, Range range) const {
  if (range.first == range.second)
    return;
  change(bytes, range, true);
  bytes.reset(padding_);
}

void FrameBytes::change(BitVector &bytes, Range range, bool value) const {
  std::int64_t begin = std::max(range.first, begin_), end = std::min(range.second, end_);
  if (begin >= end)
    return;
  if (value)
    bytes.set(unsigned(begin - begin_), unsigned(end - begin_));
  else
    bytes.reset(unsigned(begin - begin_), unsigned(end - begin_));
}

} // namespace osr
