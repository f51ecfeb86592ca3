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
  Patchable, ///< the nop of compiler/sites/return_point.h
};

/// Emits `module` as an ELF object. `report` is filled by the machine passes. Errors that the code generator reports
/// become the returned error; nothing is printed.
llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> emit_object(llvm::Module &module, llvm::TargetMachine &machine,
                                                                MachinePasses passes, CodegenReport &report,
                                                                ReturnPoints points = ReturnPoints::Plain);

} // namespace osr
