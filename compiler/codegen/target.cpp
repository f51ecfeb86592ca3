#include "compiler/codegen/target.h"

#include "compiler/base/error.h"

#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Target/TargetOptions.h>
#include <llvm/TargetParser/Triple.h>

#include <mutex>

using namespace llvm;

namespace osr {
namespace {

constexpr const char *triple_text = "x86_64-unknown-linux-gnu";

/// Switches of LLVM's code generator that exist only as command line options.
void set_option(StringRef name, bool value) {
  auto &options = cl::getRegisteredOptions();
  if (auto found = options.find(name); found != options.end())
    static_cast<cl::opt<bool> *>(found->second)->setValue(value);
}

void initialize_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    InitializeNativeTarget();
    InitializeNativeTargetAsmPrinter();
    InitializeNativeTargetAsmParser();
    InitializeNativeTargetDisassembler();
    set_option("no-x86-call-frame-opt", true);        // pushes of arguments would move rsp in the body
    set_option("enable-patchpoint-liveness", false);  // its mask is not needed, and computing it can crash
  });
}

} // namespace

Expected<std::unique_ptr<TargetMachine>> create_target_machine(CodegenLevel level) {
  initialize_once();
  Triple triple(triple_text);
  std::string error;
  const Target *target = TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return make_error("no code generator for {}: {}", triple_text, error);
  TargetOptions options;
  options.EmulatedTLS = true; // the linker in this process has no thread-local segments
  CodeGenOptLevel codegen = level == CodegenLevel::Fast ? CodeGenOptLevel::None : CodeGenOptLevel::Default;
  std::unique_ptr<TargetMachine> machine(
      target->createTargetMachine(triple, "x86-64", "", options, Reloc::PIC_, CodeModel::Small, codegen, /*JIT=*/true));
  if (!machine)
    return make_error("cannot create a code generator for {}", triple_text);
  return machine;
}

} // namespace osr
