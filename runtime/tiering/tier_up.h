// Tiering up: what a policy finds hot is optimised, and the activations that run follow.
//
//   baseline code          policy               queue           compile thread
//   counter runs out ────► wants it? ─────────► bounded ──────► compiles, redirects calls,
//   sampler sees it  ────►                                      rewrites the frames (Runtime::replace)
//   counts on from further away; an activation that could not follow is noticed again
#pragma once

#include "compiler/base/mutex.h"
#include "osr/statistics.h"
#include "runtime/code/code_session.h"
#include "runtime/events/cause.h"
#include "runtime/requests/requests.h"
#include "runtime/tiering/compile_queue.h"
#include "runtime/tiering/heat_table.h"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>

namespace osr {

/// Called in a thread of the program when baseline code of a function has counted down; `pc` is in it.
using HeatHandler = void(HeatCounter *counter, NoticedBy by, std::uint64_t pc);

/// The function that such code calls.
std::vector<AbsoluteSymbol> heat_symbols();
/// Who is called then, in the whole process. It must not throw.
void answer_heat(HeatHandler *handler);

/// What it means for a trace.
Cause cause_of(NoticedBy by);

/// Thread-safe where it says so.
class TierUp {
public:
  /// Why nothing was done.
  enum class NotDone : std::uint8_t {
    ForEver, ///< the body is not one that calls mean any more
    ForNow,  ///< somebody wants it to stay as it is: it is noticed again
  };
  using Outcome = std::variant<NotDone, llvm::Expected<ReplaceOutcome>>;
  /// Which thread compiles.
  enum class Where : std::uint8_t {
    CompileThread,
    NoticedThread, ///< the activation stays where it is meanwhile
  };
  /// Optimises a body and moves its activations. `is_first`: it was not asked for before.
  using Optimize = std::function<Outcome(FunctionId body, NoticedBy by, bool is_first, Where where)>;

  TierUp(TierUpOptions options, HeatTable::Allocate allocate, Optimize optimize);

  /// What baseline code of the body counts down; null if it does not.
  HeatCounter *counter_of(const FunctionInfo &body, std::size_t instructions, bool may_tier_up)
      OSR_REQUIRES(engine_lock);

  /// In a thread of the program: this counter ran out. Thread-safe; no signal handler of the program may come in.
  void on_counter(HeatCounter &counter, NoticedBy by);
  /// A sampler saw an activation of a body. Returns the counter if it is to be queued.
  HeatCounter *see(FunctionId body) OSR_REQUIRES(engine_lock);
  /// Without the lock.
  void add(HeatCounter &counter, NoticedBy by);

  /// An activation of the body was always somewhere else when it could have followed: the thread that is noticed next in a loop
  /// waits for its continuation, if threads of the program may compile.
  void let_wait(FunctionId body) OSR_REQUIRES(engine_lock);

  /// Its optimised code is out of use: as if the body had never been noticed.
  void notice_anew(FunctionId body) OSR_REQUIRES(engine_lock) { table_.notice_anew(body); }

  /// How often the body was noticed.
  std::uint32_t heat_of(FunctionId body) OSR_REQUIRES(engine_lock) {
    const HeatCounter *counter = table_.find(body);
    return counter ? counter->times.load(std::memory_order_relaxed) : 0;
  }

  bool set_threshold(std::uint32_t threshold) OSR_REQUIRES(engine_lock) { return table_.set_threshold(threshold); }
  std::optional<std::uint32_t> threshold() const { return table_.threshold(); }

  const TierPolicy &policy() const { return *options_.policy; }
  bool compiles_in_calling_thread() const { return threads_ == 0; }
  void count_sample() { ++samples_; }

  /// From here on there are threads, unless none are wanted.
  void start(bool in_calling_thread_is_possible);
  void stop() { queue_.reset(); }
  /// Nothing is begun any more; what was begun is left alone if it is not done by then.
  void end_by(std::chrono::steady_clock::time_point when);
  /// Around a fork: the child's queue is new and empty. One takes the lock that the other gives back: OSR_UNCHECKED_LOCKS.
  void before_fork() OSR_UNCHECKED_LOCKS;
  void after_fork(bool is_child) OSR_UNCHECKED_LOCKS;

  /// Thread-safe.
  Statistics::TierUp statistics() const;

private:
  void work(CompileQueue::Item item, Where where);
  void trace_decision(const HeatCounter &counter, NoticedBy by);
  void retry_left(const HeatCounter &except);
  bool was_asked_for(FunctionId body) const;

  TierUpOptions options_;
  Optimize optimize_;
  HeatTable table_;
  unsigned threads_ = 0;
  bool may_compile_in_calls_ = false;
  std::unique_ptr<CompileQueue> queue_;
  std::atomic<std::uint64_t> dropped_ = 0, samples_ = 0;
  mutable Mutex mutex_;
  Statistics::TierUp counts_ OSR_GUARDED_BY(mutex_);
  /// Some activation could not follow. Who compiles in the calling thread tries again when the next counter runs out: the
  /// thread is somewhere else then. Others find it somewhere else in any case.
  std::set<HeatCounter *> left_ OSR_GUARDED_BY(mutex_);
  std::map<FunctionId, std::string> names_ OSR_GUARDED_BY(mutex_); ///< of bodies, for a trace
};

} // namespace osr
