// Runs a program as under a shadow stack, which most machines do not have: the runtime is told that there is one.
//
//   shadow_stack_target PROGRAM [ARGS...]
//
// At each seventh call all frames of the stack are to go to the other tier. The last line says what became of that.
#include "runtime/engine/engine.h"
#include "runtime/guest/program_exit.h"
#include "test/support/host_program.h"

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
  auto refused = done.refused.find(describe(RefusalKind::Split));
  std::printf("%llu sites patched, %s frames replaced, %s frames split, %s splits refused\n",
              (unsigned long long)counted->return_points.patches, done.in_place && done.continuation ? "some" : "no",
              done.split ? "some" : "no", refused != done.refused.end() ? "some" : "no");
}

llvm::Expected<int> run(const std::vector<std::string> &arguments) {
  Runtime::Options options;
  options.stress.kind = StressMode::Kind::All;
  options.stress.number = 7;
  options.has_shadow_stack = [] { return true; };
  auto runtime = load_host_program(arguments.front().c_str(), std::move(options));
  if (!runtime)
    return runtime.takeError();
  running = *runtime;
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
