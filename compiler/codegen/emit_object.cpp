#include "compiler/codegen/emit_object.h"

#include "compiler/base/error.h"
#include "compiler/base/fatal_errors.h"
#include "compiler/codegen/anchor_pass.h"
#include "compiler/codegen/certificate_pass.h"
#include "compiler/codegen/return_point_pass.h"

#include <llvm/Analysis/RuntimeLibcallInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

using namespace llvm;

namespace osr {
namespace {

/// What the library offers. The code generator takes it for empty when it is not told: it would copy memory byte by byte.
RuntimeLibraryInfoWrapper *create_library_info(const TargetMachine &machine) {
  const TargetOptions &options = machine.Options;
  return new RuntimeLibraryInfoWrapper(machine.getTargetTriple(), options.ExceptionModel, options.FloatABIType,
                                       options.EABIVersion, options.MCOptions.ABIName, options.VecLib);
}

/// Collects the error texts that a pass reports to the context.
class ErrorCollector final : public DiagnosticHandler {
public:
  explicit ErrorCollector(std::string &errors) : errors_(errors) {}
  bool handleDiagnostics(const DiagnosticInfo &info) override {
    if (info.getSeverity() == DS_Error) {
      raw_string_ostream stream(errors_);
      DiagnosticPrinterRawOStream printer(stream);
      info.print(printer);
      stream << '\n';
    }
    return true;
  }

private:
  std::string &errors_;
};

} // namespace

Expected<std::unique_ptr<MemoryBuffer>> emit_object(Module &module, TargetMachine &machine, MachinePasses passes,
                                                    CodegenReport &report, ReturnPoints points) {
  std::string errors;
  LLVMContext &context = module.getContext();
  std::unique_ptr<DiagnosticHandler> previous = context.getDiagnosticHandler();
  context.setDiagnosticHandler(std::make_unique<ErrorCollector>(errors));

  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  auto owned = std::make_unique<legacy::PassManager>();
  legacy::PassManager &manager = *owned;
  auto *info = new MachineModuleInfoWrapperPass(&machine);
  TargetPassConfig *config = machine.createPassConfig(manager);
  config->setDisableVerify(true);
  manager.add(create_library_info(machine));
  manager.add(config);
  manager.add(info);
  bool failed = config->addISelPasses();
  if (!failed) {
    config->addMachinePasses();
    if (passes != MachinePasses::None)
      manager.add(create_anchor_pass(report));
    if (passes == MachinePasses::Certify)
      manager.add(create_certificate_pass(report));
    if (points == ReturnPoints::Patchable)
      manager.add(create_return_point_pass());
    config->setInitialized();
    failed = machine.addAsmPrinter(manager, stream, nullptr, CodeGenFileType::ObjectFile, info->getMMI().getContext());
  }
  if (!failed) {
    manager.add(createFreeMachineFunctionPass());
    if (Error fatal = catch_fatal_error([&] { manager.run(module); })) {
      errors += toString(std::move(fatal));
      (void)owned.release(); // in the middle of its work it cannot be taken apart
    }
  }
  context.setDiagnosticHandler(std::move(previous));
  if (failed)
    return make_error("the code generator cannot emit objects for {}", module.getTargetTriple().str());
  if (!errors.empty())
    return make_error("code generation of '{}' failed: {}", module.getName().str(), errors);
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(bytes), module.getName(), false);
}

} // namespace osr
