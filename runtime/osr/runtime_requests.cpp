// The part of the runtime that deals with several threads: requests, statistics from anywhere, fork.
#include "compiler/base/check.h"
#include "compiler/base/error.h"
#include "runtime/osr/runtime.h"
#include "runtime/osr/undisturbed.h"
#include "runtime/threads/start_thread.h"

#include <pthread.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::seconds snapshot_patience(3);

} // namespace

Expected<ReplaceOutcome> Runtime::replace(StringRef name, Tier to) {
  const FunctionInfo *function = program().find_function(name);
  if (!function)
    return make_error("there is no function '{}'; 'osrctl sites' lists them", name.str());
  return replace(function->id, to);
}

Expected<ReplaceOutcome> Runtime::replace(FunctionId function, Tier to, ContinuationBudget *budget) {
  OSR_CHECK(function < program().functions.size(), "function {} of {}", function, program().functions.size());
  const FunctionInfo &info = program().functions[function];
  if (info.pinned != PinReason::None)
    return make_error("'{}' is never replaced because it {}", info.name, osr::to_string(info.pinned));
  if (!requests_)
    return make_error("'{}' cannot be replaced: no program is running", info.name);
  Undisturbed undisturbed(options_.handshake.signal_number);
  std::lock_guard lock(mutex_);
  auto version = versions_->find_or_compile({function, to, std::nullopt});
  if (!version)
    return version.takeError();
  auto outcome = requests_->replace(function, to, budget);
  Statistics::Requests &requests = statistics_.requests;
  ++requests.count;
  if (!outcome) {
    std::string reason = toString(outcome.takeError());
    ++requests.refused[reason];
    return make_error("'{}' is not replaced: {}", info.name, reason);
  }
  set_code_for_calls(**version);
  requests.rewritten += outcome->rewritten;
  requests.already += outcome->already;
  requests.running += outcome->running;
  requests.stops += outcome->stops;
  requests.longest_pause = std::max(requests.longest_pause, outcome->pause_seconds);
  for (const auto &[reason, activations] : outcome->refused)
    requests.refused[reason] += activations;
  statistics_.frames_rewritten += outcome->rewritten;
  return outcome;
}

std::optional<Statistics> Runtime::snapshot() {
  std::unique_lock lock(mutex_, std::defer_lock);
  if (!lock.try_lock_for(snapshot_patience))
    return std::nullopt;
  Statistics result = statistics_;
  result.most_threads = threads_.most_at_once();
  return result;
}

Error Runtime::start_requests() {
  watch_forks();
  auto handshake = Handshake::create(threads_, options_.handshake);
  if (!handshake)
    return handshake.takeError();
  handshake_ = std::move(*handshake);
  requests_ = std::make_unique<Requests>(*handshake_, *stubs_, *registry_, *entries_, *stub_table_);
  if (options_.stress.kind == StressMode::Kind::Async)
    async_stress_ = std::make_unique<AsyncStress>(*this, options_.stress.number);
  return Error::success();
}

/// The child has the forking thread only. What the others were doing must be whole: their locks are taken first.
void Runtime::watch_forks() {
  static const int error = pthread_atfork(
      [] {
        if (running_) {
          running_->mutex_.lock();
          running_->threads_.mutex().lock();
        }
      },
      [] { after_fork(ForkSide::Parent); }, [] { after_fork(ForkSide::Child); });
  OSR_CHECK(error == 0, "no handlers for fork: error {}", error);
}

void Runtime::after_fork(ForkSide side) {
  if (!running_)
    return;
  if (side == ForkSide::Child) {
    running_->threads_.keep_only_current();
    forget_other_threads();
    (void)running_->async_stress_.release(); // its thread does not exist here: it cannot be joined
  }
  running_->threads_.mutex().unlock();
  running_->mutex_.unlock();
}

} // namespace osr
