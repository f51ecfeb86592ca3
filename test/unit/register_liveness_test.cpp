// Checks what is taken for the end of a register's value, and that anchoring deletes nothing that somebody still reads.
#include "machine_code.h"

#include "compiler/codegen/anchor_pass.h"
#include "compiler/codegen/register_liveness.h"
#include "test/support/catch_header.h"

#include <llvm/CodeGen/TargetInstrInfo.h>

using namespace llvm;
using namespace osr;

namespace {

constexpr const char *call = "CALL64pcrel32 @ext, csr_64, implicit $rsp, implicit $ssp, implicit-def $rsp, "
                             "implicit-def $ssp, implicit-def dead $xmm0, heap-alloc-marker !0";
constexpr const char *use = "CALL64pcrel32 @ext, csr_64, implicit $rsp, implicit $ssp, implicit $xmm0, implicit $rdi, "
                            "implicit-def $rsp, implicit-def $ssp";
constexpr const char *vector_reload = "$xmm0 = VMOVSDrm_alt $rbp, 1, $noreg, -24, $noreg :: (load (s64) from %stack.0)";
constexpr const char *reload = "$rdi = MOV64rm $rbp, 1, $noreg, -24, $noreg :: (load (s64) from %stack.0)";

/// VZEROUPPER and VZEROALL as LLVM models them.
std::string with_upper_halves(std::string text) {
  for (unsigned i = 0; i < 16; ++i)
    text += (i ? ", implicit-def $ymm" : " implicit-def $ymm") + std::to_string(i);
  return text;
}

/// Whether anchoring leaves `reloaded`, which a record reads, when `between` stands between it and a call with xmm0 and rdi.
bool is_kept(const char *reloaded, const std::string &between) {
  MachineCode code(std::string(call) + "\n    " + reloaded + "\n    STACKMAP 0, 0, " +
                   StringRef(reloaded).split(' ').first.str() + "\n    " + between + "\n    " + use);
  CodegenReport report;
  code.run(*create_anchor_pass(report));
  REQUIRE(report.anchored == std::set<std::uint32_t>{0});
  return any_of(code.function().front(), [](const MachineInstr &instruction) {
    return instruction.mayLoad() && !instruction.isCall() && instruction.getOpcode() != TargetOpcode::STACKMAP;
  });
}

} // namespace

TEST_CASE("Check that a reload in front of an instruction that only seems to overwrite its register is kept",
          "[anchor]") {
  CHECK(is_kept(vector_reload, "NOOP"));
  CHECK(is_kept(vector_reload, with_upper_halves("VZEROUPPER")));
  CHECK(is_kept(reload, "NOOP"));
  CHECK(is_kept(reload, with_upper_halves("VZEROUPPER")));
  CHECK(is_kept(reload, "$dil = MOV8ri 1")); // the rest of rdi is still read
  CHECK(is_kept(reload, "INLINEASM &\"\", 1, 12, implicit-def early-clobber $rax"));
  CHECK(is_kept(reload, "$rdi = CMOV64rr $rdi, $rbx, 4, implicit undef $eflags"));
}

TEST_CASE("Check that a reload of which nobody reads anything is deleted", "[anchor]") {
  CHECK_FALSE(is_kept(vector_reload, "$xmm0 = VXORPSrr undef $xmm0, undef $xmm0"));
  CHECK_FALSE(is_kept(vector_reload, call)); // its register mask
  CHECK_FALSE(is_kept(vector_reload, "INLINEASM &\"\", 1, 12, implicit-def early-clobber $xmm0"));
  CHECK_FALSE(is_kept(reload, "$rdi = MOV64ri 5"));
  CHECK_FALSE(is_kept(reload, "$edi = MOV32ri 5, implicit-def $rdi")); // clears the rest
  CHECK_FALSE(is_kept(reload, call));
}

TEST_CASE("Check that a reload is kept for a reader in another block that no list at the block names", "[anchor]") {
  MachineCode code(std::string(call) + "\n    " + reload + "\n    STACKMAP 0, 0, $rdi\n    JMP_1 %bb.1\n  bb.1:\n    " +
                   use);
  CodegenReport report;
  code.run(*create_anchor_pass(report));
  CHECK(report.anchored.contains(0));
  CHECK(code.function().front().size() == 4);
}

TEST_CASE("Check that liveness goes around loops and stops at what overwrites", "[anchor]") {
  MachineCode code(
      "$rax = MOV64ri 1\n    JMP_1 %bb.1\n  bb.1:\n    successors: %bb.1, %bb.2\n"
      "    $rcx = LEA64r $rax, 1, $rdx, 0, $noreg\n    $rdx = MOV64rr $rcx\n    JCC_1 %bb.1, 4, implicit undef "
      "$eflags\n  bb.2:\n    $rax = MOV64rr $rcx");
  const MachineFunction &function = code.function();
  RegisterLiveness liveness(function);
  auto is_live = [&](unsigned block, const char *name) {
    return liveness.is_live(code.reg(name), liveness.live_in(*function.getBlockNumbered(block)));
  };
  CHECK_FALSE(is_live(0, "rax"));
  CHECK(is_live(0, "rdx"));
  CHECK_FALSE(is_live(0, "rcx"));
  CHECK(is_live(1, "rax"));
  CHECK(is_live(1, "rdx"));
  CHECK_FALSE(is_live(2, "rax"));
  CHECK(is_live(2, "rcx"));
  CHECK(is_live(2, "cl"));
  CHECK_FALSE(is_live(2, "rbx"));
}

// With another LLVM this list may change. What is new in it has to be looked at: does it overwrite all that it says?
TEST_CASE(
    "Check that no instruction but those known says to overwrite vector, mask or x87 registers without an operand",
    "[anchor]") {
  MachineCode code("NOOP");
  const TargetInstrInfo &info = *code.function().getSubtarget().getInstrInfo();
  const TargetRegisterInfo &registers = *code.function().getSubtarget().getRegisterInfo();
  std::set<std::string> believed, doubted;
  for (unsigned opcode = 0; opcode < info.getNumOpcodes(); ++opcode) {
    const MCInstrDesc &description = info.get(opcode);
    if (description.isCall())
      continue;
    MachineInstr *instruction = code.function().CreateMachineInstr(description, DebugLoc());
    code.function().front().push_back(instruction);
    for (MCPhysReg reg : description.implicit_defs()) {
      StringRef name = registers.getName(reg);
      const bool is_numbered = isDigit(name.back());
      if (name.contains("MM") ||
          (is_numbered && (name.starts_with("ST") || name.starts_with("FP") || name.starts_with("K"))))
        (may_keep(*instruction, reg) ? doubted : believed).insert(info.getName(opcode).str());
    }
    instruction->eraseFromParent();
  }
  // These do what they say. TLS_ become calls.
  CHECK(believed == std::set<std::string>{"AESDECWIDE128KL", "AESDECWIDE256KL", "AESENCWIDE128KL",  "AESENCWIDE256KL",
                                          "ENCODEKEY128",    "ENCODEKEY256",    "LDTILECFG",        "LDTILECFG_EVEX",
                                          "PCMPESTRMrmi",    "PCMPESTRMrri",    "PCMPISTRMrmi",     "PCMPISTRMrri",
                                          "PLDTILECFGV",     "TLS_addr32",      "TLS_addr64",       "TLS_addrX32",
                                          "TLS_base_addr32", "TLS_base_addr64", "TLS_base_addrX32", "VPCMPESTRMrmi",
                                          "VPCMPESTRMrri",   "VPCMPISTRMrmi",   "VPCMPISTRMrri"});
  CHECK(doubted == std::set<std::string>{"MMX_EMMS", "TILERELEASE", "VZEROALL", "VZEROUPPER"});
}
