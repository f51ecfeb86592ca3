#include "runtime/tiering/stack_sampler.h"

#include "runtime/threads/stopped_walk.h"

#include <llvm/ADT/STLExtras.h>

#include <ctime>

using namespace llvm;

namespace osr {
namespace {

/// The function that burns the time is often a small one that the optimiser puts into its callers.
constexpr unsigned newest_activations = 3;
constexpr unsigned most_frames = 24;      ///< foreign ones included
constexpr std::size_t most_found = 1024;  ///< in one look; more is not worth a stop
constexpr std::int64_t least_used = 200'000; ///< nanoseconds since the last look

/// The clock of another thread's processor time, as pthread_getcpuclockid makes it: 6 is CPUCLOCK_SCHED of one thread.
std::int64_t processor_time(pid_t tid) {
  timespec time{};
  const auto clock = clockid_t((~unsigned(tid) << 3) | 6);
  if (clock_gettime(clock, &time) != 0)
    return 0; // it has ended
  return std::int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

} // namespace

StackSampler::StackSampler(Engine &engine)
    : handshake_(engine.handshake()), threads_(engine.threads()), lookup_(engine.lookup()),
      stubs_(engine.stub_table()) {
  found_.reserve(most_found);
}

void StackSampler::find_busy() {
  busy_.clear();
  std::map<pid_t, std::int64_t> used;
  Lock lock(threads_.mutex());
  for (const auto &thread : threads_.threads()) {
    const std::int64_t now = used[thread->tid] = processor_time(thread->tid);
    if (now - used_[thread->tid] >= least_used)
      busy_.push_back(thread->tid);
  }
  used_ = std::move(used);
}

/// While the thread is stopped: nothing may be allocated. Whether the walk reaches the base does not matter here.
void StackSampler::visit(const ProgramThread &thread, RulesFinder &rules) {
  unsigned activations = 0, frames = 0;
  walk_stopped_while(thread, rules, [&](const Frame &frame) OSR_REQUIRES(engine_lock) {
    if (frame.code && frame.code->function != no_function) {
      ++activations;
      if (frame.code->tier == Tier::Baseline && found_.size() < most_found &&
          !is_contained(found_, frame.code->function))
        found_.push_back(frame.code->function);
    }
    return activations < newest_activations && ++frames < most_frames;
  });
}

const std::vector<FunctionId> &StackSampler::look() {
  found_.clear();
  find_busy();
  if (busy_.empty())
    return found_;
  consumeError(handshake_.with_stopped([&](StoppedThreads threads) OSR_REQUIRES(engine_lock) {
    RulesFinder rules(lookup_, stubs_);
    for (const auto &thread : threads)
      if (!thread->is_suspended && is_contained(busy_, thread->tid))
        visit(*thread, rules);
  })); // the next look may be luckier
  return found_;
}

} // namespace osr
