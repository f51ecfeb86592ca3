// Checks how an operand of a stack map moves backwards through one machine instruction, and what survives a call.
#include "machine_code.h"

#include "compiler/codegen/gap.h"
#include "test/support/catch_header.h"

#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>

#include <algorithm>

#include <fmt/format.h>

using namespace llvm;
using namespace osr;

namespace {

/// One machine instruction.
class OneInstruction : public MachineCode {
public:
  using MachineCode::MachineCode;

  const MachineInstr &instruction() const { return function().front().front(); }

  MapOperand in_register(StringRef name) const { return {MapOperand::Kind::Register, reg(name)}; }
  MapOperand in_slot(StringRef base, std::int64_t offset, std::int64_t size = 8) const {
    return {MapOperand::Kind::Indirect, reg(base), offset, 0, size};
  }

  std::string text(const MapOperand &operand) const {
    const TargetRegisterInfo &registers = *function().getSubtarget().getRegisterInfo();
    auto name = [&] { return registers.getName(operand.reg); };
    switch (operand.kind) {
    case MapOperand::Kind::Register: return name();
    case MapOperand::Kind::Indirect: return fmt::format("[{}{:+}] {}", name(), operand.offset, operand.size);
    case MapOperand::Kind::Direct: return fmt::format("{}{:+}", name(), operand.offset);
    case MapOperand::Kind::Constant: return fmt::format("{}", operand.constant);
    }
    return {};
  }

  /// Where `operand` was before the instruction, or "?" and the reason.
  std::string before(MapOperand operand) const {
    std::string problem = move_before(operand, instruction());
    return problem.empty() ? text(operand) : "? " + problem;
  }
};

constexpr const char *store_slot_0 =
    "MOV64mr $rbp, 1, $noreg, -24, $noreg, killed renamable $rbx :: (store (s64) into %stack.0)";
constexpr const char *load_slot_0 =
    "renamable $rcx = MOV64rm $rbp, 1, $noreg, -24, $noreg :: (load (s64) from %stack.0)";

} // namespace

TEST_CASE("Check that an operand moves back through a copy to its source", "[gap]") {
  OneInstruction copy("$rcx = MOV64rr killed $rbx");
  CHECK(copy.before(copy.in_register("rcx")) == "RBX");
  CHECK(copy.before(copy.in_register("ecx")) == "EBX"); // and so do its parts
  CHECK(copy.before(copy.in_register("cl")) == "BL");
  CHECK(copy.before(copy.in_register("r12")) == "R12");
  CHECK(copy.before(copy.in_register("rbx")) == "RBX");
  OneInstruction narrow("$ecx = MOV32rr killed $ebx");
  CHECK(narrow.before(narrow.in_register("ecx")) == "EBX");
  CHECK(narrow.before(narrow.in_register("rcx")).starts_with("? ")); // the upper half of rbx is something else
}

TEST_CASE("Check that an operand moves back through a reload to the slot", "[gap]") {
  OneInstruction load(load_slot_0);
  CHECK(load.before(load.in_register("rcx")) == "[RBP-24] 8");
  CHECK(load.before(load.in_register("ecx")) == "[RBP-24] 4");
  CHECK(load.before(load.in_register("cl")) == "[RBP-24] 1");
  CHECK(load.before(load.in_register("ch")).starts_with("? ")); // not the slot's first byte
  CHECK(load.before(load.in_register("rbx")) == "RBX");
  CHECK(load.before(load.in_slot("rbp", -24)) == "[RBP-24] 8");
  OneInstruction elsewhere("renamable $rcx = MOV64rm $rbx, 1, $noreg, 8, $noreg :: (load (s64))");
  CHECK(elsewhere.before(elsewhere.in_register("rcx")).starts_with("? ")); // any memory may have changed meanwhile
}

TEST_CASE("Check that an operand moves back through a spill to the register", "[gap]") {
  OneInstruction store(store_slot_0);
  CHECK(store.before(store.in_slot("rbp", -24)) == "RBX");
  CHECK(store.before(store.in_slot("rbp", -32)) == "[RBP-32] 8");
  CHECK(store.before(store.in_slot("rbp", -20, 4)).starts_with("? ")); // the upper half
  CHECK(store.before(store.in_slot("rbp", -28, 8)).starts_with("? ")); // half of it
  CHECK(store.before(store.in_register("rbx")) == "RBX");
  OneInstruction narrow("MOV32mr $rbp, 1, $noreg, -24, $noreg, killed renamable $ebx :: (store (s32) into %stack.0)");
  CHECK(narrow.before(narrow.in_slot("rbp", -24, 8)).starts_with("? ")); // only half of the slot is written
  CHECK(narrow.before(narrow.in_slot("rbp", -20, 4)) == "[RBP-20] 4");
}

TEST_CASE("Check that a constant in a register becomes a constant", "[gap]") {
  OneInstruction wide("$rcx = MOV64ri 81985529216486895");
  CHECK(wide.before(wide.in_register("rcx")) == "81985529216486895");
  CHECK(wide.before(wide.in_register("ecx")) == "81985529216486895"); // its low part counts
  OneInstruction narrow("$ecx = MOV32ri 7");
  CHECK(narrow.before(narrow.in_register("ecx")) == "7");
  CHECK(narrow.before(narrow.in_register("rbx")) == "RBX");
}

TEST_CASE("Check that a sum with a constant becomes Direct on its source, and sums add up", "[gap]") {
  OneInstruction lea("$rcx = LEA64r $rbx, 1, $noreg, 8, $noreg");
  CHECK(lea.before(lea.in_register("rcx")) == "RBX+8");
  CHECK(lea.before(lea.in_register("ecx")).starts_with("? ")); // half a sum is no sum
  CHECK(lea.before(MapOperand{MapOperand::Kind::Direct, lea.reg("rcx"), -3}) == "RBX+5");
  CHECK(lea.before(MapOperand{MapOperand::Kind::Direct, lea.reg("rbx"), -3}) == "RBX-3");
  CHECK(lea.before(MapOperand{MapOperand::Kind::Direct, lea.reg("rcx"), INT32_MAX}).starts_with("? ")); // no overflow
  OneInstruction add("$rcx = ADD64ri32 $rcx, -16, implicit-def $eflags");
  CHECK(add.before(add.in_register("rcx")) == "RCX-16");
  OneInstruction copy("$rcx = MOV64rr killed $rbx");
  CHECK(copy.before(MapOperand{MapOperand::Kind::Direct, copy.reg("rcx"), 8}) == "RBX+8");
  OneInstruction of_stack("$rcx = LEA64r $rsp, 1, $noreg, 24, $noreg");
  CHECK(of_stack.before(of_stack.in_register("rcx")).starts_with("? ")); // the address of frame memory is no value
}

TEST_CASE("Check that a reload that clears the rest of its register serves for the part that it loads", "[gap]") {
  OneInstruction load("renamable $ecx = MOVZX32rm8 $rbp, 1, $noreg, -24, $noreg :: (load (s8) from %stack.0)");
  CHECK(load.before(load.in_register("cl")) == "[RBP-24] 1");
  CHECK(load.before(load.in_register("cx")).starts_with("? "));
  CHECK(load.before(load.in_register("ecx")).starts_with("? "));
}

TEST_CASE("Check that a number which waits in the slot of an integer is found there", "[gap]") {
  OneInstruction wide("renamable $xmm0 = MOVQI2PQIrm $rbp, 1, $noreg, -24, $noreg :: (load (s64) from %stack.0)");
  CHECK(wide.before(wide.in_register("xmm0")) == "[RBP-24] 8");
  OneInstruction narrow("renamable $xmm0 = MOVDI2PDIrm $rbp, 1, $noreg, -24, $noreg :: (load (s32) from %stack.0)");
  CHECK(narrow.before(narrow.in_register("xmm0")) == "[RBP-24] 4");
  OneInstruction of_avx("renamable $xmm0 = VMOVQI2PQIrm $rbp, 1, $noreg, -24, $noreg :: (load (s64) from %stack.0)");
  CHECK(of_avx.before(of_avx.in_register("xmm0")) == "[RBP-24] 8");
  OneInstruction other("renamable $xmm0 = MOVQI2PQIrm $rbx, 1, $noreg, 8, $noreg :: (load (s64))");
  CHECK(other.before(other.in_register("xmm0")).starts_with("? ")); // what lies there may be written again
}

TEST_CASE("Check that what nothing can express is refused and the instruction named", "[gap]") {
  for (const char *text : {"$rcx = LEA64r $rbx, 1, $r13, 8, $noreg", "$rcx = ADD64rr $rcx, $rbx, implicit-def $eflags",
                           "$rcx = MOVSX64rr32 $ebx", "$ecx = ADD32ri $ecx, 8, implicit-def $eflags"}) {
    OneInstruction one(text);
    INFO(text);
    std::string found = one.before(one.in_register("rcx"));
    INFO(found);
    CHECK(found.find("it is defined between call and record by") != std::string::npos);
    CHECK(one.before(one.in_register("r12")) == "R12");
  }
}

TEST_CASE("Check that an address or a slot does not survive a change of its base register", "[gap]") {
  OneInstruction one("$rsp = ADD64ri32 $rsp, 16, implicit-def $eflags");
  CHECK(one.before(one.in_slot("rsp", 8)).starts_with("? its base register changes"));
  CHECK(one.before(MapOperand{MapOperand::Kind::Direct, one.reg("rsp"), 8}).starts_with("? its base register changes"));
  CHECK(one.before(MapOperand{MapOperand::Kind::Direct, one.reg("rbp"), -24}) == "RBP-24");
  CHECK(one.before(MapOperand{MapOperand::Kind::Constant, {}, 0, 9}) == "9");
}

TEST_CASE("Check that only callee-saved registers, memory and constants survive a call", "[gap]") {
  OneInstruction call("CALL64pcrel32 @ext, csr_64, implicit $rsp, implicit-def $rsp, implicit-def $rax");
  REQUIRE(is_returning_call(call.instruction()));
  CHECK(record_number(call.instruction()) == -1);
  auto reason = [&](const char *name) { return survives(call.in_register(name), call.instruction()); };
  for (const char *name : {"rbx", "r12", "r13", "r14", "r15", "ebx", "bl"})
    CHECK(reason(name) == "");
  for (const char *name : {"rcx", "rdx", "rsi", "r8", "r11", "xmm0", "xmm15"})
    CHECK(reason(name).starts_with("it is in a register that the call destroys"));
  for (const char *name : {"rax", "eax", "al"})
    CHECK(reason(name).starts_with("it is in a result register of the call"));
  CHECK(survives(call.in_slot("rsp", 16), call.instruction()) == "");
  CHECK(survives(MapOperand{}, call.instruction()) == "");
}

TEST_CASE("Check that jumps, tail calls and stack maps are no returning calls", "[gap]") {
  auto returns = [](const char *text) { return is_returning_call(OneInstruction(text).instruction()); };
  CHECK_FALSE(returns("TCRETURNdi64 @ext, 0, csr_64, implicit $rsp, implicit $ssp"));
  CHECK_FALSE(returns("STACKMAP 3, 0, $rbx"));
  CHECK(returns("CALL64r $rbx, csr_64, implicit $rsp, implicit $ssp"));
}

TEST_CASE("Check that operands of a stack map are read as they are written", "[gap]") {
  OneInstruction one("STACKMAP 3, 0, $rbx, 1, 8, $rbp, -24, 0, $rbp, -32, 2, 99");
  std::vector<MapOperand> operands = read_map_operands(one.instruction());
  std::vector<std::string> texts;
  for (const MapOperand &operand : operands)
    texts.push_back(one.text(operand));
  CHECK(texts == std::vector<std::string>{"RBX", "[RBP-24] 8", "RBP-32", "99"});
  auto &map = const_cast<MachineInstr &>(one.instruction());
  std::reverse(operands.begin(), operands.end());
  write_map_operands(map, operands);
  std::vector<std::string> again;
  for (const MapOperand &operand : read_map_operands(map))
    again.push_back(one.text(operand));
  CHECK(again == std::vector<std::string>{"99", "RBP-32", "[RBP-24] 8", "RBX"});
}
