#include "runtime/engine/compile_effort.h"

#include "compiler/base/error.h"

#include <llvm/IR/Function.h>

using namespace llvm;

namespace osr {

Error CompileEffort::check(const VersionKey &key) const {
  if (key.tier == Tier::Baseline)
    return Error::success();
  const std::string &name = compiler_.program().functions[key.function].name;
  if (limits_.most_instructions) {
    const std::size_t instructions = compiler_.code_of(key.function).getInstructionCount();
    if (instructions > *limits_.most_instructions)
      return make_error("'{}' has {} instructions, and is optimised up to {}", name, instructions,
                        *limits_.most_instructions);
  }
  const auto found = spent_.find(key.function);
  if (found == spent_.end())
    return Error::success();
  const Spent &spent = found->second;
  if (limits_.most_failures && spent.failures >= *limits_.most_failures)
    return make_error("optimised code of '{}' went out of use {} times because guards failed, and is not made again",
                      name, spent.failures);
  if (limits_.most_time && spent.time >= *limits_.most_time)
    return make_error("optimising '{}' has taken {:.0f} ms, of {} that it may take", name, spent.time.count() * 1e3,
                      limits_.most_time->count());
  return Error::success();
}

void CompileEffort::spent(const VersionKey &key, std::chrono::duration<double> time) {
  if (limits_.most_time && key.tier == Tier::Optimized)
    spent_[key.function].time += time;
}

} // namespace osr
