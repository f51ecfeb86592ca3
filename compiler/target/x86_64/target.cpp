#include "compiler/target/target.h"

#include "compiler/base/error.h"
#include "compiler/base/llvm_option.h"
#include "compiler/target/instructions.h"
#include "compiler/target/platform.h"
#include "compiler/target/registers.h"

#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/Triple.h>

#include <mutex>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *triple_text = "x86_64-unknown-linux-gnu";

/// What set_option() says, each time.
Error initialize() {
  static std::once_flag once;
  static std::string missing;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    InitializeNativeTargetAsmParser();
    InitializeNativeTargetDisassembler();
    // Pushes of arguments would move rsp in the body.
    Error lacks = set_option("no-x86-call-frame-opt", true);
    // Its mask is not needed, and computing it can crash.
    lacks = joinErrors(std::move(lacks), set_option("enable-patchpoint-liveness", false));
    // Variables that assignments are not tracked of stay where they are declared (compiler/canonical/source_lines.h).
    lacks = joinErrors(std::move(lacks), set_option("instcombine-lower-dbg-declare", 0U));
    missing = toString(std::move(lacks));
  });
  return missing.empty() ? Error::success() : make_error("{}", missing);
}

} // namespace

Expected<std::unique_ptr<TargetMachine>> create_target_machine(CodegenLevel level, const ProcessorChoice &processor) {
  if (Error error = initialize())
    return error;
  Triple triple(triple_text);
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return make_error("no code generator for {}: {}", triple_text, error);
  TargetOptions options;
  options.EmulatedTLS = true; // the linker in this process has no thread-local segments
  CodeGenOptLevel codegen = level == CodegenLevel::Fast ? CodeGenOptLevel::None : CodeGenOptLevel::Default;
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, processor.name.empty() ? baseline_processor() : processor.name,
                                  processor.features, options, Reloc::PIC_, CodeModel::Small, codegen, /*JIT=*/true));
  if (!machine)
    return make_error("cannot create a code generator for {}", triple_text);
  static const std::string missing = // the same for all
      toString(joinErrors(check_instruction_names(*machine->getMCInstrInfo()),
                          check_register_names(*machine->getMCRegisterInfo())));
  if (!missing.empty())
    return make_error("{}", missing);
  return machine;
}

} // namespace osr
