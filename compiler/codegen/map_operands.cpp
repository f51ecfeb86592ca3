#include "compiler/codegen/map_operands.h"

#include "compiler/base/check.h"

#include <llvm/CodeGen/MachineInstrBuilder.h>
#include <llvm/CodeGen/StackMaps.h>

using namespace llvm;

namespace osr {

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

} // namespace osr
