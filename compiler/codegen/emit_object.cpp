#include "compiler/codegen/emit_object.h"

#include "compiler/base/diagnostics.h"
#include "compiler/base/error.h"
#include "compiler/base/fatal_errors.h"
#include "compiler/canonical/externalize_symbols.h"
#include "compiler/codegen/anchor_pass.h"
#include "compiler/codegen/certificate_pass.h"
#include "compiler/codegen/define_undefined_pass.h"
#include "compiler/codegen/return_point_pass.h"

#include <llvm/Analysis/RuntimeLibcallInfo.h>
#include <llvm/CodeGen/MachineFunctionPass.h>
#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>

#include <utility>

using namespace llvm;

namespace osr {
namespace {

/// What the library offers. The code generator takes it for empty when it is not told: it would copy memory byte by byte.
RuntimeLibraryInfoWrapper *create_library_info(const TargetMachine &machine) {
  const TargetOptions &options = machine.Options;
  return new RuntimeLibraryInfoWrapper(machine.getTargetTriple(), options.ExceptionModel, options.FloatABIType,
                                       options.EABIVersion, options.MCOptions.ABIName, options.VecLib);
}

/// The name is the symbol: what code generation would add is part of it already.
void keep_decorated_names(Module &module) {
  for (Function &function : module)
    if (is_decorated(function) && !function.getName().starts_with("\1"))
      function.setName("\1" + function.getName());
}

/// May the assembly define a numbered label?
bool has_label(const InlineAsm &assembly) { return assembly.getAsmString().contains(':'); }

/// What the code generator keeps from one module to the next although it refers to what is gone with the module: numbered
/// labels of assembly, and what was collected for a collector's tables.
bool leaves_traces(const Module &module) {
  return any_of(module, [](const Function &function) {
    return function.hasGC() || any_of(instructions(function), [](const Instruction &instruction) {
             const auto *call = dyn_cast<CallBase>(&instruction);
             return call && call->isInlineAsm() && has_label(*cast<InlineAsm>(call->getCalledOperand()));
           });
  });
}

} // namespace

/// The passes refer to the report and the bytes of here, so it stays where it is.
struct ObjectEmitter::Pipeline {
  Pipeline() = default;
  Pipeline(const Pipeline &) = delete;
  Pipeline &operator=(const Pipeline &) = delete;

  bool set_up(TargetMachine &machine, MachinePasses passes, ReturnPoints points);

  SmallVector<char, 0> bytes;
  raw_svector_ostream stream{bytes};
  CodegenReport report;
  legacy::PassManager manager;
};

/// False: the code generator cannot emit objects.
bool ObjectEmitter::Pipeline::set_up(TargetMachine &machine, MachinePasses passes, ReturnPoints points) {
  auto *info = new MachineModuleInfoWrapperPass(&machine);
  TargetPassConfig *config = machine.createPassConfig(manager);
  config->setDisableVerify(true);
  if (passes == MachinePasses::Certify) {
    // At -O0 LLVM leaves blocks that only the selector found out to be unreachable, and unwind rows there are wrong.
    config->insertPass(&FinalizeISelID, &UnreachableMachineBlockElimID);
    config->insertPass(&TwoAddressInstructionPassID, create_define_undefined_pass());
  }
  manager.add(create_library_info(machine));
  manager.add(config);
  manager.add(info);
  if (config->addISelPasses())
    return false;
  config->addMachinePasses();
  if (passes != MachinePasses::None)
    manager.add(create_anchor_pass(report));
  if (passes == MachinePasses::Certify)
    manager.add(create_certificate_pass(report));
  if (points == ReturnPoints::Patchable)
    manager.add(create_return_point_pass());
  config->setInitialized();
  if (machine.addAsmPrinter(manager, stream, nullptr, CodeGenFileType::ObjectFile, info->getMMI().getContext()))
    return false;
  manager.add(createFreeMachineFunctionPass());
  return true;
}

ObjectEmitter::ObjectEmitter(TargetMachine &machine, MachinePasses passes, ReturnPoints points)
    : machine_(machine), passes_(passes), points_(points) {}
ObjectEmitter::~ObjectEmitter() = default;

Expected<std::unique_ptr<MemoryBuffer>> ObjectEmitter::emit(Module &module, CodegenReport &report) {
  if (!pipeline_) {
    pipeline_ = std::make_unique<Pipeline>();
    if (!pipeline_->set_up(machine_, passes_, points_)) {
      pipeline_.reset();
      return make_error("the code generator cannot emit objects for {}", module.getTargetTriple().str());
    }
  }
  keep_decorated_names(module);
  const bool serves_once = leaves_traces(module);
  std::string errors;
  {
    const DiagnosticScope diagnostics(module.getContext());
    if (Error fatal = catch_fatal_error([&] { pipeline_->manager.run(module); })) {
      (void)pipeline_.release(); // in the middle of its work it cannot be taken apart
      return make_error("code generation of '{}' failed: {}{}", module.getName().str(), diagnostics.errors(),
                        toString(std::move(fatal)));
    }
    errors = diagnostics.errors();
  }
  report = std::exchange(pipeline_->report, {});
  SmallVector<char, 0> bytes = std::exchange(pipeline_->bytes, {});
  if (!errors.empty() || serves_once)
    pipeline_.reset(); // at an error it may have stopped half-way
  if (!errors.empty())
    return make_error("code generation of '{}' failed: {}", module.getName().str(), errors);
  return std::make_unique<SmallVectorMemoryBuffer>(std::move(bytes), module.getName(), false);
}

Expected<std::unique_ptr<MemoryBuffer>> emit_object(Module &module, TargetMachine &machine, MachinePasses passes,
                                                    CodegenReport &report, ReturnPoints points) {
  return ObjectEmitter(machine, passes, points).emit(module, report);
}

} // namespace osr
