#include "runtime/osr/async_stress.h"

#include "runtime/osr/runtime.h"
#include "runtime/osr/undisturbed.h"

using namespace llvm;

namespace osr {

AsyncStress::AsyncStress(Runtime &runtime, std::uint64_t per_second)
    : runtime_(runtime), period_(std::chrono::nanoseconds(std::chrono::seconds(1)) / per_second) {
  thread_ = start_undisturbed([this] { run(); });
}

AsyncStress::~AsyncStress() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void AsyncStress::run() {
  std::vector<FunctionId> functions;
  for (const FunctionInfo &function : runtime_.program().functions)
    if (function.pinned == PinReason::None && !function.sites.empty())
      functions.push_back(function.id);
  std::unique_lock lock(mutex_);
  while (!functions.empty() && !ended_.wait_for(lock, period_, [this] { return ending_; })) {
    lock.unlock();
    FunctionId function = functions[random_() % functions.size()];
    Tier tier = random_() % 2 == 0 ? Tier::Baseline : Tier::Optimized;
    if (auto outcome = runtime_.replace(function, {.to = tier, .old_code = OldCode::Keep, .budget = &budget_});
        !outcome)
      consumeError(outcome.takeError()); // counted by the runtime
    lock.lock();
  }
}

} // namespace osr
