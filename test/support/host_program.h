// A host in a test: loads a program, runs it, and does what the test wants beside it.
#pragma once

#include "compiler/canonical/load.h"
#include "compiler/target/target.h"
#include "runtime/facade/create_runtime.h"

#include <llvm/IR/LLVMContext.h>

namespace osr {

/// The runtime of the bitcode file at `path`; it lives until the process is gone.
inline llvm::Expected<Runtime *> load_host_program(const char *path, Runtime::Options options) {
  static llvm::LLVMContext context;
  auto module = load_program(context, {path});
  if (!module)
    return module.takeError();
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  auto program = canonicalize(std::move(*module), **machine);
  if (!program)
    return program.takeError();
  auto runtime = create_runtime(std::move(*program), std::move(options));
  if (!runtime)
    return runtime.takeError();
  return runtime->release();
}

} // namespace osr
