#include "osrctl/load_input.h"

#include "compiler/canonical/load.h"
#include "compiler/codegen/target.h"
#include "osr-stubs/thread_state.h"
#include "osrctl/commands.h"

#include <cstdio>

using namespace llvm;

namespace osr {

Expected<CanonicalProgram> load_input(LLVMContext &context, const std::vector<std::string> &paths) {
  auto module = load_program(context, paths);
  if (!module)
    return module.takeError();
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  return canonicalize(std::move(*module), **machine);
}

Expected<std::unique_ptr<Compiler>> load_compiler(LLVMContext &context, const std::vector<std::string> &paths) {
  auto program = load_input(context, paths);
  if (!program)
    return program.takeError();
  return Compiler::create(std::move(*program), {.object_stack_offset = object_stack_tls_offset()});
}

int report(Error error) {
  std::fprintf(stderr, "osrctl: %s\n", toString(std::move(error)).c_str());
  return exit_failure;
}

int report_usage(Error error) {
  report(std::move(error));
  return exit_usage;
}

} // namespace osr
