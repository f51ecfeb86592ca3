// Requests: which activations go on in other code, and what became of them.
#pragma once

#include "osr/tier.h"

#include <llvm/Support/Error.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace osr {

/// What becomes of activations of the old code.
enum class Frames : std::uint8_t {
  Rewrite,       ///< they go on in the new code as soon as control returns to them
  FinishOld,     ///< they end in the old code
  WaitQuiescent, ///< they end in the old code, and the request ends when none is left on any stack
};

/// What becomes of the old code itself.
enum class OldCode : std::uint8_t {
  Free, ///< its memory is given back as soon as nothing leads into it
  Keep, ///< it stays, so that going back needs no compiler
};

struct ReplaceOptions {
  Tier to = Tier::Optimized;
  Frames frames = Frames::Rewrite;
  OldCode old_code = OldCode::Free;
  bool redirect_calls = true; ///< calls to come enter the new code; false: they go where they went
  bool recompile = false;     ///< make a new version even if there is one of that tier, and replace that one too
  /// false: activations that are executing in the function itself, not in a call, stay; nobody waits for them.
  bool may_wait = true;
  /// Only activations on this thread's stack (its kernel number). Calls to come go where they went, and the old code stays:
  /// `redirect_calls` and `old_code` are not used, and `frames` has to be Rewrite.
  std::optional<int> only_thread = {};
  const std::atomic<bool> *is_cancelled = nullptr; ///< looked at until the first frame is written
  /// Of WaitQuiescent: called again and again, by the thread that asks and without locks, with what is waited for.
  std::function<void(const std::string &)> progress = {};
};

/// What became of one request.
struct ReplaceOutcome {
  std::uint64_t rewritten = 0; ///< activations that will go on in the new code when control returns to them
  std::uint64_t at_polls = 0; ///< of these: were in a loop without calls, and waited in its poll
  std::uint64_t already = 0; ///< had been rewritten before and not returned yet
  /// Are executing in the function itself (or in code that it was inlined into), not in a call, and came to no poll in
  /// time: they stay.
  std::uint64_t running = 0;
  /// Of the rewritten ones: an exception that comes before control returns takes them to a handler of the old code. They
  /// are replaced at the next site there.
  std::uint64_t may_land_in_old = 0;
  std::map<std::string, std::uint64_t> refused; ///< activations that cannot be replaced where they are, by reason
  unsigned stops = 0; ///< how often the threads were stopped
  double pause_seconds = 0; ///< the longest time they were stopped
  double poll_seconds = 0; ///< the longest time that threads may have waited in polls

  /// Adds what a part of the same request did before this one. What stays is counted by the last.
  void add(const ReplaceOutcome &before);
};

/// A request that somebody may wait for. Thread-safe. Example:
///
///     std::shared_ptr<PendingRequest> request = runtime->request("hot", {.to = Tier::Optimized});
///     ...
///     ReplaceOutcome outcome = cantFail(request->wait());
class PendingRequest {
public:
  using Work = std::function<llvm::Expected<ReplaceOutcome>(const std::atomic<bool> &is_cancelled)>;
  explicit PendingRequest(Work work);
  ~PendingRequest();

  /// The request ends with an error and changes nothing, unless frames were written already; then it ends as usual.
  void cancel() { is_cancelled_ = true; }
  bool is_done() const;
  /// The outcome; the same each time. In the child of a fork, of a request that was under way: ErrorCode::Cancelled.
  llvm::Expected<ReplaceOutcome> wait();

private:
  friend class RequestQueue;
  void run();
  void end_in_child();

  struct Answer;
  Work work_;
  std::atomic<bool> is_cancelled_ = false;
  std::unique_ptr<Answer> answer_;
};

} // namespace osr
