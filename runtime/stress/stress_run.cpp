#include "runtime/stress/stress_run.h"

#include "compiler/base/error_code.h"
#include "runtime/events/cause.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"

using namespace llvm;

namespace osr {

Expected<std::unique_ptr<StressRun>> StressRun::create(const StressMode &mode, Engine &engine) {
  if (engine.versions().counts_activations() && mode.kind != StressMode::Kind::None)
    return make_error(ErrorCode::Invalid, "stress modes rewrite frames, which cannot be while activations are counted");
  Lock lock(engine.mutex());
  auto function = find_stressed_function(mode, engine.compiler());
  if (!function)
    return function.takeError();
  lock.unlock();
  std::unique_ptr<StressRun> run(new StressRun(mode, engine));
  if (mode.acts_at_calls() || mode.acts_at_polls())
    run->stress_.emplace(mode, *function, engine);
  return run;
}

void StressRun::start(Replacer &replacer, Redefiner &redefiner) {
  switch (mode_.kind) {
  case StressMode::Kind::None:
  case StressMode::Kind::Every:
  case StressMode::Kind::All:
  case StressMode::Kind::Random: break;
  case StressMode::Kind::Loops:
    loops_ = std::make_unique<Ticker>("osr stress", mode_.number, [this] { flip_at_next_poll(engine_.threads()); });
    break;
  case StressMode::Kind::Polls:
  case StressMode::Kind::At: flip_each(); break;
  case StressMode::Kind::Async: async_ = std::make_unique<AsyncStress>(engine_, replacer, mode_.number); break;
  case StressMode::Kind::Churn: churn_ = std::make_unique<Churn>(engine_, replacer, redefiner, mode_.number); break;
  }
}

void StressRun::on_call(const EntryFrame &frame) {
  Undisturbed undisturbed;
  on_work_stack([&] {
    Because because(Cause::Stress);
    Lock lock(engine_.mutex());
    stress_->on_call(frame);
  });
}

void StressRun::on_poll(std::uint64_t return_pc_slot) {
  Undisturbed undisturbed;
  on_work_stack([&] {
    Because because(Cause::Stress);
    Lock lock(engine_.mutex());
    stress_->on_poll(return_pc_slot);
  });
}

void StressRun::flip_each() {
  is_flipping_ = true;
  engine_.threads().begin_flipping();
}

void StressRun::stop() {
  if (std::exchange(is_flipping_, false))
    engine_.threads().end_flipping();
  async_.reset();
  churn_.reset();
  loops_.reset();
}

void StressRun::end_by(std::chrono::steady_clock::time_point when) {
  if (async_)
    async_->end_by(when);
  if (churn_)
    churn_->end_by(when);
  if (loops_)
    loops_->end_by(when);
}

void StressRun::forget_threads() {
  (void)async_.release(); // they cannot be joined
  (void)churn_.release();
  (void)loops_.release();
}

} // namespace osr
