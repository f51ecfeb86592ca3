// Runs LLVM's code generator over one module, with our machine passes at its end.
#pragma once

#include "compiler/codegen/codegen_report.h"

#include <llvm/IR/Module.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>

namespace osr {

enum class MachinePasses {
  None,    ///< a module without sites
  Anchor,  ///< optimised code
  Certify, ///< baseline code: anchor and prove
};

/// What stands at the return PC of a site.
enum class ReturnPoints {
  Plain,     ///< whatever comes after the call
  Patchable, ///< the nop of compiler/target/return_point.h
};

/// LLVM's code generator for one kind of code, run over one module after another. Setting it up costs as much as compiling a
/// function of middling size, so that is done once, and again behind a module that would leave something behind in it: what
/// it emits does not depend on what was emitted before. One thread at a time.
class ObjectEmitter {
public:
  /// `machine` must outlive the emitter.
  ObjectEmitter(llvm::TargetMachine &machine, MachinePasses passes, ReturnPoints points);
  ~ObjectEmitter();

  /// Emits `module` as an ELF object. `report` is filled by the machine passes. Errors that the code generator reports
  /// become the returned error; nothing is printed.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emit(llvm::Module &module, CodegenReport &report);

private:
  struct Pipeline;

  llvm::TargetMachine &machine_;
  MachinePasses passes_;
  ReturnPoints points_;
  std::unique_ptr<Pipeline> pipeline_; ///< null where the next module needs a new one
};

/// For a single module.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emit_object(llvm::Module &module, llvm::TargetMachine &machine,
                                                                MachinePasses passes, CodegenReport &report,
                                                                ReturnPoints points = ReturnPoints::Plain);

} // namespace osr
