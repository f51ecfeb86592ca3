// Runs a program as under a shadow stack, which most machines do not have: the runtime is told that there is one.
//
//   shadow_stack_target PROGRAM [ARGS...]
//
// At each seventh call all frames of the stack are to go to the other tier. The last line says what became of that.
#include "compiler/canonical/load.h"
#include "compiler/codegen/target.h"
#include "runtime/osr/program_exit.h"
#include "runtime/osr/runtime.h"

#include <cstdio>
#include <cstdlib>

using namespace osr;

namespace {

Runtime *running = nullptr;

void report() {
  auto counted = running->snapshot();
  if (!counted)
    std::abort();
  const Statistics::Transitions &done = counted->transitions;
  auto refused = done.refused.find(split_refusal);
  std::printf("%llu sites patched, %s frames replaced, %s frames split, %s splits refused\n",
              (unsigned long long)counted->return_points.patches, done.in_place && done.continuation ? "some" : "no",
              done.split ? "some" : "no", refused != done.refused.end() ? "some" : "no");
}

llvm::Expected<int> run(const std::vector<std::string> &arguments) {
  static llvm::LLVMContext context;
  auto module = load_program(context, {arguments.front()});
  if (!module)
    return module.takeError();
  auto machine = create_target_machine(CodegenLevel::Optimizing);
  if (!machine)
    return machine.takeError();
  auto program = canonicalize(std::move(*module), **machine);
  if (!program)
    return program.takeError();
  Runtime::Options options;
  options.stress.kind = StressMode::Kind::All;
  options.stress.number = 7;
  options.has_shadow_stack = [] { return true; };
  auto runtime = Runtime::create(std::move(*program), std::move(options));
  if (!runtime)
    return runtime.takeError();
  running = runtime->release();
  set_exit_observer(report);
  return running->run_main(arguments);
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 2)
    return 2;
  auto status = run({argv + 1, argv + argc});
  if (!status) {
    std::fprintf(stderr, "shadow_stack_target: %s\n", llvm::toString(status.takeError()).c_str());
    return 1;
  }
  exit_program(*status);
}
