// How much compiling an activation is worth that is somewhere else whenever its continuation is done.
#pragma once

#include "compiler/base/site.h"

#include <chrono>
#include <map>

namespace osr {

/// A continuation holds what its function can still reach. That of a large function takes seconds, in which an activation that
/// goes from loop to loop has left the site that it was made for; the next one would be late too, and compiling them would
/// take more time than the program. So a request goes on to the next site only while its continuations were cheap. Then its
/// body rests for a multiple of what they took; unless the thread can be let wait at its site, the next time that it is
/// noticed in a loop, while the continuation is compiled (TierUp::let_wait).
class ChaseLimit {
public:
  using Clock = std::chrono::steady_clock;

  /// Whether a request that has compiled continuations for this long may compile another.
  static bool may_go_on(Clock::duration spent) { return spent < cheap; }

  /// A request ended without an activation, after that.
  void gave_up(FunctionId body, Clock::duration spent, Clock::time_point now) {
    rests_until_[body] = now + rest_for_each * spent;
  }
  bool gave_up_on(FunctionId body) const { return rests_until_.contains(body); }
  /// Activations of the body are left where they are for now.
  bool rests(FunctionId body, Clock::time_point now) const {
    auto found = rests_until_.find(body);
    return found != rests_until_.end() && now < found->second;
  }

private:
  static constexpr std::chrono::milliseconds cheap{50};
  static constexpr int rest_for_each = 4; ///< a fifth of a compile thread's time at most
  std::map<FunctionId, Clock::time_point> rests_until_;
};

} // namespace osr
