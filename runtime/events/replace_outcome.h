// What a request came to, for its caller, the statistics and the trace.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace osr {

/// What became of one request.
struct ReplaceOutcome {
  std::uint64_t rewritten = 0; ///< activations that will go on in the new code when control returns to them
  std::uint64_t at_polls = 0;  ///< of these: were in a loop without calls, and waited in its poll
  std::uint64_t already = 0;   ///< had been rewritten before and not returned yet
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

} // namespace osr
