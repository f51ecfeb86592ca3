#include "machine_code.h"

#include "compiler/target/target.h"
#include "test/support/catch_header.h"

#include <llvm/CodeGen/MIRParser/MIRParser.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/TargetRegisterInfo.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/Support/MemoryBuffer.h>

using namespace llvm;

namespace osr {
namespace {

/// A pass is meant to be run by a manager, which wants whole pipelines.
struct Opened : MachineFunctionPass {
  using MachineFunctionPass::runOnMachineFunction;
};

} // namespace

MachineCode::MachineCode(const std::string &body)
    : machine_(cantFail(create_target_machine(CodegenLevel::Optimizing))) {
  const std::string text =
      "--- |\n  define void @f() \"target-features\"=\"+avx\" \"frame-pointer\"=\"all\" { ret void }\n"
      "  declare void @ext()\n  !0 = !{i32 0}\n...\n---\nname: f\nstack:\n"
      "  - { id: 0, type: spill-slot, offset: -40, size: 8, alignment: 8 }\n"
      "  - { id: 1, type: spill-slot, offset: -48, size: 8, alignment: 8 }\n"
      "body: |\n  bb.0:\n    " +
      body + "\n    RET64\n...\n";
  auto parser = createMIRParser(MemoryBuffer::getMemBufferCopy(text), context_);
  module_ = parser->parseIRModule();
  INFO(text);
  REQUIRE(module_);
  module_->setDataLayout(machine_->createDataLayout());
  info_ = std::make_unique<MachineModuleInfoWrapperPass>(machine_.get());
  REQUIRE_FALSE(parser->parseMachineFunctions(*module_, info_->getMMI()));
  function_ = info_->getMMI().getMachineFunction(*module_->getFunction("f"));
  REQUIRE(function_);
}

MachineCode::~MachineCode() = default;

Register MachineCode::reg(StringRef name) const {
  const TargetRegisterInfo &registers = *function_->getSubtarget().getRegisterInfo();
  for (unsigned index = 1; index < registers.getNumRegs(); ++index)
    if (name.equals_insensitive(registers.getName(index)))
      return index;
  FAIL("no register " << name.str());
  return {};
}

void MachineCode::run(MachineFunctionPass &pass) { (pass.*&Opened::runOnMachineFunction)(*function_); }

} // namespace osr
