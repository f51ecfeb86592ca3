#include "compiler/target/instructions.h"

#include "compiler/base/error.h"
#include "compiler/target/x86_64/instruction_names.h"

#include <fmt/ranges.h>

#include <llvm/CodeGen/MachineFunction.h>
#include <llvm/CodeGen/TargetInstrInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

#include <algorithm>
#include <iterator>

using namespace llvm;

namespace osr {
namespace {

StringRef name_of(const MachineInstr &instruction) {
  return instruction.getMF()->getSubtarget().getInstrInfo()->getName(instruction.getOpcode());
}

/// Of one of x87_accesses; 0: it is another instruction.
std::int64_t bytes_of_access(StringRef name, StringRef access) {
  unsigned bits = 0;
  if (!name.consume_front(access) || !name.consume_back("m") || name.take_back(2).getAsInteger(10, bits))
    return 0;
  return bits / 8;
}

/// As the functions below and return_point.cpp look for it. Asked at each start, of each instruction that there is.
bool is_known_as(StringRef name, StringRef known) {
  if (name.front() != known.front() || !name.starts_with(known)) // the first letter tells nearly always
    return false;
  if (is_contained(x87_accesses, known))
    return bytes_of_access(name, known) != 0;
  return is_contained(clearing_loads, known) || name == known;
}

} // namespace

std::optional<Addition> find_addition(const MachineInstr &instruction) {
  const StringRef name = name_of(instruction);
  auto operand = [&](unsigned index) -> const MachineOperand & { return instruction.getOperand(index); };
  if (name == add_constant && operand(2).isImm())
    return Addition{operand(0).getReg(), operand(1).getReg(), operand(2).getImm()};
  // Base, scale, index, displacement, segment.
  if (name == sum_of_registers && operand(1).isReg() && operand(1).getReg() && !operand(3).getReg() &&
      operand(4).isImm())
    return Addition{operand(0).getReg(), operand(1).getReg(), operand(4).getImm()};
  return std::nullopt;
}

bool is_clearing_load(const MachineInstr &instruction) {
  StringRef name = name_of(instruction);
  name.consume_front("V");
  return any_of(clearing_loads, [&](StringRef known) { return name.starts_with(known); });
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

std::int64_t undescribed_access_bytes(const MachineInstr &instruction) {
  std::int64_t bytes = 0;
  for (StringRef access : x87_accesses)
    bytes = std::max(bytes, bytes_of_access(name_of(instruction), access));
  return bytes;
}

Error check_instruction_names(const MCInstrInfo &instructions) {
  SmallVector<StringRef> missing(std::begin(x87_accesses), std::end(x87_accesses));
  missing.append(std::begin(clearing_loads), std::end(clearing_loads));
  missing.append({add_constant, sum_of_registers, patchable_nop});
  for (unsigned opcode = 0; opcode < instructions.getNumOpcodes(); ++opcode) {
    const StringRef name = instructions.getName(opcode);
    erase_if(missing, [&](StringRef known) { return is_known_as(name, known); });
  }
  if (missing.empty())
    return Error::success();
  return make_error("this LLVM has no instructions named {}",
                    fmt::join(map_range(missing, [](StringRef name) { return name.str(); }), ", "));
}

} // namespace osr
