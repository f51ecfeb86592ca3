// A runtime for a program of the benchmarks. Errors end the process.
#pragma once

#include "compiler/canonical/load.h"
#include "compiler/target/target.h"
#include "runtime/facade/create_runtime.h"

#include <memory>
#include <string>
#include <utility>

namespace osr {

inline std::unique_ptr<Runtime> create_bench_runtime(const std::string &bitcode, Runtime::Options options) {
  static llvm::LLVMContext context;
  llvm::ExitOnError exit_on_error("benchmark: ");
  auto module = exit_on_error(load_program(context, {bitcode}));
  auto machine = exit_on_error(create_target_machine(CodegenLevel::Optimizing));
  auto program = exit_on_error(canonicalize(std::move(module), *machine));
  return exit_on_error(create_runtime(std::move(program), std::move(options)));
}

} // namespace osr
