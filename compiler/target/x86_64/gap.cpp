#include "compiler/target/gap.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"

#include <fmt/ranges.h>

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

constexpr StringRef add_constant = "ADD64ri32", sum_of_registers = "LEA64r";
constexpr StringRef zero_extending_load = "MOVZX32rm"; ///< and what is read: 8 or 16
constexpr StringRef x87_accesses[] = {"LD_F", "ILD_F", "ST_F", "IST_F", "ISTT_F"}; ///< and how many bits

/// `instruction` as `destination = source + offset` on whole 64-bit registers.
struct Addition {
  Register destination, source;
  std::int64_t offset;
};

std::optional<Addition> addition(const MachineInstr &instruction) {
  const TargetSubtargetInfo &target = instruction.getMF()->getSubtarget();
  StringRef name = target.getInstrInfo()->getName(instruction.getOpcode());
  auto operand = [&](unsigned index) -> const MachineOperand & { return instruction.getOperand(index); };
  if (name == add_constant && operand(2).isImm())
    return Addition{operand(0).getReg(), operand(1).getReg(), operand(2).getImm()};
  // Base, scale, index, displacement, segment.
  if (name == sum_of_registers && operand(1).isReg() && operand(1).getReg() && !operand(3).getReg() &&
      operand(4).isImm())
    return Addition{operand(0).getReg(), operand(1).getReg(), operand(4).getImm()};
  return std::nullopt;
}

bool is_frame_base(Register reg, const MachineFunction &function) {
  const TargetSubtargetInfo &target = function.getSubtarget();
  return reg == target.getRegisterInfo()->getFrameRegister(function) ||
         reg == target.getTargetLowering()->getStackPointerRegisterToSaveRestore();
}

/// The register that `instruction` fills from a spill slot, if it does. LLVM turns reloads of one or two bytes into
/// loads that clear the rest of the register; it does not count these as reloads, but the low part is one.
Register reloaded_register(const MachineInstr &instruction) {
  const TargetInstrInfo &info = *instruction.getMF()->getSubtarget().getInstrInfo();
  int slot = 0;
  if (Register loaded = info.isLoadFromStackSlotPostFE(instruction, slot))
    return loaded;
  SmallVector<const MachineMemOperand *, 1> accesses;
  if (info.getName(instruction.getOpcode()).starts_with(zero_extending_load) &&
      info.hasLoadFromStackSlot(instruction, accesses))
    return instruction.getOperand(0).getReg();
  return {};
}

bool is_vector_register(Register reg, const TargetRegisterInfo &registers) {
  return StringRef(registers.getName(reg)).contains("MM");
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
  if (Register loaded = reloaded_register(instruction))
    if (auto access = memory_access(instruction); access && is_low_part(loaded, operand.reg, registers)) {
      std::int64_t loaded_bytes = accessed_bytes(instruction).value_or(0);
      std::int64_t size =
          registers.getRegSizeInBits(*registers.getMinimalPhysRegClass(operand.reg)).getFixedValue() / 8;
      // A vector register is spilled as wide as the scalar that it carries.
      if (loaded == operand.reg && is_vector_register(operand.reg, registers))
        size = std::min(size, loaded_bytes);
      // A part that was not loaded but cleared is in no slot.
      if (size <= loaded_bytes) {
        operand = {MapOperand::Kind::Indirect, access->base, access->offset, 0, size};
        return {};
      }
    }
  std::int64_t constant = 0;
  if (instruction.getNumExplicitDefs() == 1 &&
      is_low_part(instruction.getOperand(0).getReg(), operand.reg, registers) &&
      info.getConstValDefinedInReg(instruction, instruction.getOperand(0).getReg(), constant)) {
    operand = {MapOperand::Kind::Constant, {}, 0, constant, 8};
    return {};
  }
  // The address of something in the frame is no value (I9); Direct on the frame's base means the frame's own memory.
  if (auto sum = addition(instruction);
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
  std::optional<Addition> sum = addition(instruction);
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

std::vector<MapOperand> read_map_operands(const MachineInstr &map) {
  std::vector<MapOperand> operands;
  unsigned index = StackMapOpers(&map).getVarIdx();
  while (index < map.getNumOperands()) {
    const MachineOperand &first = map.getOperand(index);
    auto imm = [&](unsigned i) { return map.getOperand(index + i).getImm(); };
    auto reg = [&](unsigned i) { return map.getOperand(index + i).getReg(); };
    if (first.isReg()) {
      if (!first.isImplicit())
        operands.push_back(first.isUndef() ? MapOperand{} : MapOperand{MapOperand::Kind::Register, first.getReg()});
      ++index;
    } else if (!first.isImm()) {
      ++index; // a register mask or metadata: no value
    } else if (first.getImm() == StackMaps::DirectMemRefOp) {
      operands.push_back({MapOperand::Kind::Direct, reg(1), imm(2)});
      index += 3;
    } else if (first.getImm() == StackMaps::IndirectMemRefOp) {
      operands.push_back({MapOperand::Kind::Indirect, reg(2), imm(3), 0, imm(1)});
      index += 4;
    } else {
      OSR_CHECK(first.getImm() == StackMaps::ConstantOp, "stack map operand of unknown kind {}", first.getImm());
      operands.push_back({MapOperand::Kind::Constant, {}, 0, imm(1)});
      index += 2;
    }
  }
  return operands;
}

void write_map_operands(MachineInstr &map, const std::vector<MapOperand> &operands) {
  while (map.getNumOperands() > StackMapOpers(&map).getVarIdx())
    map.removeOperand(map.getNumOperands() - 1);
  MachineInstrBuilder builder(*map.getMF(), map);
  for (const MapOperand &operand : operands)
    switch (operand.kind) {
    case MapOperand::Kind::Register: builder.addReg(operand.reg); break;
    case MapOperand::Kind::Indirect:
      builder.addImm(StackMaps::IndirectMemRefOp).addImm(operand.size).addReg(operand.reg).addImm(operand.offset);
      break;
    case MapOperand::Kind::Direct:
      builder.addImm(StackMaps::DirectMemRefOp).addReg(operand.reg).addImm(operand.offset);
      break;
    case MapOperand::Kind::Constant: builder.addImm(StackMaps::ConstantOp).addImm(operand.constant); break;
    }
}

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

std::optional<std::int64_t> frame_displacement(const MachineInstr &instruction, Register frame_pointer) {
  // A memory operand of x86 is five operands: base, scale, index, displacement, segment.
  for (unsigned i = 0; i + 4 < instruction.getNumOperands(); ++i) {
    auto operand = [&](unsigned part) -> const MachineOperand & { return instruction.getOperand(i + part); };
    if (operand(0).isReg() && operand(0).getReg() == frame_pointer && operand(1).isImm() && operand(2).isReg() &&
        operand(3).isImm() && operand(4).isReg())
      return operand(3).getImm();
  }
  return std::nullopt;
}

std::int64_t x87_access_bytes(const MachineInstr &instruction) {
  StringRef name = instruction.getMF()->getSubtarget().getInstrInfo()->getName(instruction.getOpcode());
  bool is_x87 = false;
  for (StringRef prefix : x87_accesses)
    is_x87 |= name.starts_with(prefix);
  unsigned bits = 0;
  if (!is_x87 || !name.consume_back("m") || name.take_back(2).getAsInteger(10, bits))
    return 0;
  return bits / 8;
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

Error check_instruction_names(const MCInstrInfo &instructions) {
  SmallVector<StringRef> missing(std::begin(x87_accesses), std::end(x87_accesses));
  missing.append({add_constant, sum_of_registers, zero_extending_load});
  for (unsigned opcode = 0; opcode < instructions.getNumOpcodes(); ++opcode)
    erase_if(missing, [&](StringRef name) { return instructions.getName(opcode).starts_with(name); });
  if (missing.empty())
    return Error::success();
  return make_error("this LLVM has no instructions named {}",
                    fmt::join(map_range(missing, [](StringRef name) { return name.str(); }), ", "));
}

} // namespace osr
