#include "compiler/codegen/gap.h"

#include "compiler/target/instructions.h"
#include "compiler/target/registers.h"

#include <llvm/CodeGen/StackMaps.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Metadata.h>

using namespace llvm;

namespace osr {
namespace {

struct FrameAccess {
  Register base;
  std::int64_t offset;
};

std::optional<FrameAccess> memory_access(const MachineInstr &instruction) {
  const TargetSubtargetInfo &target = instruction.getMF()->getSubtarget();
  SmallVector<const MachineOperand *, 4> bases;
  std::int64_t offset = 0;
  bool scalable = false;
  LocationSize width = LocationSize::beforeOrAfterPointer();
  if (!target.getInstrInfo()->getMemOperandsWithOffsetWidth(instruction, bases, offset, scalable, width,
                                                            target.getRegisterInfo()))
    return std::nullopt;
  if (bases.size() != 1 || !bases[0]->isReg() || scalable)
    return std::nullopt;
  return FrameAccess{bases[0]->getReg(), offset};
}

/// Bytes that a load or store moves, if that is known.
std::optional<std::int64_t> accessed_bytes(const MachineInstr &instruction) {
  if (!instruction.hasOneMemOperand() || !(*instruction.memoperands_begin())->getSize().hasValue())
    return std::nullopt;
  return (*instruction.memoperands_begin())->getSize().getValue().getFixedValue();
}

/// `part` of `whole` as the same part of `other`; no register when there is none.
Register same_part(Register whole, Register part, Register other, const TargetRegisterInfo &registers) {
  if (whole == part)
    return other;
  unsigned index = registers.getSubRegIndex(whole, part);
  return index ? Register(registers.getSubReg(other, index)) : Register();
}

bool is_low_part(Register whole, Register part, const TargetRegisterInfo &registers) {
  if (whole == part)
    return true;
  unsigned index = registers.getSubRegIndex(whole, part);
  return index && registers.getSubRegIdxOffset(index) == 0;
}

std::string describe(const MachineInstr &instruction) {
  std::string text;
  raw_string_ostream stream(text);
  instruction.print(stream, true, false, false, false);
  return text;
}

bool is_frame_base(Register reg, const MachineFunction &function) {
  const TargetSubtargetInfo &target = function.getSubtarget();
  return reg == target.getRegisterInfo()->getFrameRegister(function) ||
         reg == target.getTargetLowering()->getStackPointerRegisterToSaveRestore();
}

/// The register that `instruction` fills from a spill slot, if it does.
Register reloaded_register(const MachineInstr &instruction) {
  const TargetInstrInfo &info = *instruction.getMF()->getSubtarget().getInstrInfo();
  int slot = 0;
  if (Register loaded = info.isLoadFromStackSlotPostFE(instruction, slot))
    return loaded;
  SmallVector<const MachineMemOperand *, 1> accesses;
  if (is_clearing_load(instruction) && info.hasLoadFromStackSlot(instruction, accesses))
    return instruction.getOperand(0).getReg();
  return {};
}

/// The slot that `instruction` loads the register `reg` from, all of it.
std::optional<MapOperand> reloaded_slot(Register reg, const MachineInstr &instruction) {
  const TargetRegisterInfo &registers = *instruction.getMF()->getSubtarget().getRegisterInfo();
  const Register loaded = reloaded_register(instruction);
  const auto access = loaded ? memory_access(instruction) : std::nullopt;
  if (!access || !is_low_part(loaded, reg, registers))
    return std::nullopt;
  const std::int64_t loaded_bytes = accessed_bytes(instruction).value_or(0);
  std::int64_t size = registers.getRegSizeInBits(*registers.getMinimalPhysRegClass(reg)).getFixedValue() / 8;
  // A vector register is spilled as wide as the scalar that it carries.
  if (loaded == reg && is_vector_register(reg, registers))
    size = std::min(size, loaded_bytes);
  if (size > loaded_bytes) // a part that was not loaded but cleared is in no slot
    return std::nullopt;
  return MapOperand{MapOperand::Kind::Indirect, access->base, access->offset, 0, size};
}

std::string move_register_before(MapOperand &operand, const MachineInstr &instruction) {
  const TargetSubtargetInfo &target = instruction.getMF()->getSubtarget();
  const TargetRegisterInfo &registers = *target.getRegisterInfo();
  const TargetInstrInfo &info = *target.getInstrInfo();
  if (!instruction.modifiesRegister(operand.reg, &registers))
    return {};
  if (auto copy = info.isCopyInstr(instruction)) {
    Register source = same_part(copy->Destination->getReg(), operand.reg, copy->Source->getReg(), registers);
    if (source) {
      operand.reg = source;
      return {};
    }
  }
  if (auto slot = reloaded_slot(operand.reg, instruction)) {
    operand = *slot;
    return {};
  }
  std::int64_t constant = 0;
  if (instruction.getNumExplicitDefs() == 1 &&
      is_low_part(instruction.getOperand(0).getReg(), operand.reg, registers) &&
      info.getConstValDefinedInReg(instruction, instruction.getOperand(0).getReg(), constant)) {
    operand = {MapOperand::Kind::Constant, {}, 0, constant, 8};
    return {};
  }
  // The address of something in the frame is no value (I9); Direct on the frame's base means the frame's own memory.
  if (auto sum = find_addition(instruction);
      sum && sum->destination == operand.reg && !is_frame_base(sum->source, *instruction.getMF())) {
    operand = {MapOperand::Kind::Direct, sum->source, sum->offset};
    return {};
  }
  return "it is defined between call and record by " + describe(instruction);
}

/// An address: register + offset.
std::string move_address_before(MapOperand &operand, const MachineInstr &instruction) {
  const TargetSubtargetInfo &target = instruction.getMF()->getSubtarget();
  if (!instruction.modifiesRegister(operand.reg, target.getRegisterInfo()))
    return {};
  std::optional<Addition> sum = find_addition(instruction);
  if (auto copy = target.getInstrInfo()->isCopyInstr(instruction); copy && !sum)
    sum = Addition{copy->Destination->getReg(), copy->Source->getReg(), 0};
  if (sum && sum->destination == operand.reg && !is_frame_base(sum->source, *instruction.getMF()) &&
      isInt<32>(operand.offset + sum->offset)) {
    operand.reg = sum->source;
    operand.offset += sum->offset;
    return {};
  }
  return "its base register changes in " + describe(instruction);
}

std::string move_slot_before(MapOperand &operand, const MachineInstr &instruction) {
  const TargetSubtargetInfo &target = instruction.getMF()->getSubtarget();
  const TargetRegisterInfo &registers = *target.getRegisterInfo();
  if (instruction.modifiesRegister(operand.reg, &registers))
    return "its base register changes in " + describe(instruction);
  if (!instruction.mayStore())
    return {};
  auto access = memory_access(instruction);
  if (!access || access->base != operand.reg)
    return {}; // not a frame address: it cannot reach a spill slot
  std::int64_t size = accessed_bytes(instruction).value_or(64); // wider than any store
  if (access->offset + size <= operand.offset || operand.offset + operand.size <= access->offset)
    return {};
  int slot = 0;
  Register stored = target.getInstrInfo()->isStoreToStackSlotPostFE(instruction, slot);
  if (stored && access->offset == operand.offset && size >= operand.size) {
    operand = {MapOperand::Kind::Register, stored, 0, 0, 8};
    return {};
  }
  return "its slot is written between call and record by " + describe(instruction);
}

} // namespace

std::string move_before(MapOperand &operand, const MachineInstr &instruction) {
  switch (operand.kind) {
  case MapOperand::Kind::Register: return move_register_before(operand, instruction);
  case MapOperand::Kind::Indirect: return move_slot_before(operand, instruction);
  case MapOperand::Kind::Direct: return move_address_before(operand, instruction);
  case MapOperand::Kind::Constant: return {};
  }
  return {};
}

std::string survives(const MapOperand &operand, const MachineInstr &call) {
  bool in_register = operand.kind == MapOperand::Kind::Register ||
                     (operand.kind == MapOperand::Kind::Direct && !is_frame_base(operand.reg, *call.getMF()));
  if (!in_register)
    return {};
  const TargetRegisterInfo &registers = *call.getMF()->getSubtarget().getRegisterInfo();
  bool preserved = false;
  for (const MachineOperand &each : call.operands()) {
    if (each.isRegMask())
      preserved = !MachineOperand::clobbersPhysReg(each.getRegMask(), operand.reg);
    if (each.isReg() && each.isDef() && each.getReg() && registers.regsOverlap(each.getReg(), operand.reg))
      return std::string("it is in a result register of the call, ") + registers.getName(operand.reg);
  }
  return preserved ? std::string()
                   : std::string("it is in a register that the call destroys, ") + registers.getName(operand.reg);
}

std::int64_t record_number(const MachineInstr &call) {
  const MDNode *mark = call.getHeapAllocMarker();
  if (!mark)
    return -1;
  return mdconst::extract<ConstantInt>(mark->getOperand(0))->getZExtValue();
}

bool is_returning_call(const MachineInstr &instruction) {
  if (!instruction.isCall() || instruction.isReturn())
    return false;
  unsigned opcode = instruction.getOpcode();
  return opcode != TargetOpcode::STACKMAP && opcode != TargetOpcode::PATCHPOINT;
}

} // namespace osr
