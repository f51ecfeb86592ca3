#include "osrctl/load_runtime.h"

#include "osrctl/load_input.h"
#include "runtime/facade/create_runtime.h"

#include <llvm/IR/Module.h>

using namespace llvm;

namespace osr {

Expected<std::unique_ptr<Runtime>> load_runtime(LLVMContext &context, const std::vector<std::string> &paths,
                                                const std::vector<std::string> &libraries) {
  auto program = load_input_to_link(context, paths);
  if (!program)
    return program.takeError();
  Runtime::Options options;
  options.libraries = libraries;
  options.calls = CallKind::Slot; // calls lead to what has a name
  auto runtime = create_runtime(std::move(*program), std::move(options));
  const AloneWithEngine alone;
  if (runtime)
    (*runtime)->engine().compiler().number_all(); // all of it is to be looked at
  return runtime;
}

} // namespace osr
