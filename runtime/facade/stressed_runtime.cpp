#include "runtime/facade/stressed_runtime.h"

#include "runtime/facade/runtime.h"

using namespace llvm;

namespace osr {
namespace {

class StressedRuntime final : public StressTarget {
public:
  explicit StressedRuntime(Runtime &runtime) : runtime_(runtime) {}
  const CanonicalProgram &program() const override { return runtime_.program(); }
  std::vector<FunctionId> active_functions() override { return runtime_.active_functions(); }
  Expected<ReplaceOutcome> replace(FunctionId function, const ReplaceOptions &options) override {
    return runtime_.replace(function, options);
  }
  Expected<ReplaceOutcome> replace(StringRef function, const ReplaceOptions &options) override {
    return runtime_.replace(function, options);
  }
  Expected<RedefineOutcome> redefine(StringRef function, MemoryBufferRef ir, const RedefineOptions &options) override {
    return runtime_.redefine(function, ir, options);
  }
  Expected<std::unique_ptr<MemoryBuffer>> source_of(StringRef function) override {
    return runtime_.source_of(function);
  }

private:
  Runtime &runtime_;
};

} // namespace

std::unique_ptr<StressTarget> make_stress_target(Runtime &runtime) {
  return std::make_unique<StressedRuntime>(runtime);
}

} // namespace osr
