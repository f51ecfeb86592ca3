// Why the runtime is doing what it does in this thread: for traces.
#pragma once

#include <cstdint>

namespace osr {

enum class Cause : std::uint8_t {
  Request, ///< the host or the program asked for it
  Call,    ///< the first call of a function
  HotEntry,
  HotLoop,
  HotSample, ///< a policy found the function hot, at its entry, in a loop of it, on a stack
  Guard,        ///< a guard has failed
  Redefinition,
  FollowUp,     ///< an activation that could not come along with an earlier request
  Interpreter,  ///< the host goes on in compiled code
  Collection,   ///< objects that it refers to move
  Stress,
};

constexpr const char *to_string(Cause cause) {
  switch (cause) {
  case Cause::Request: return "request";
  case Cause::Call: return "first call";
  case Cause::HotEntry: return "hot entry";
  case Cause::HotLoop: return "hot loop";
  case Cause::HotSample: return "hot in samples";
  case Cause::Guard: return "failed guard";
  case Cause::Redefinition: return "redefinition";
  case Cause::FollowUp: return "follow-up";
  case Cause::Interpreter: return "entry from the interpreter";
  case Cause::Collection: return "collection";
  case Cause::Stress: return "stress mode";
  }
  return "";
}

/// Set for as long as it lives, unless one is set already: what began first is the cause of what it leads to.
class Because {
public:
  explicit Because(Cause cause) noexcept : previous_(current_) {
    if (current_ == Cause::Request)
      current_ = cause;
  }
  ~Because() { current_ = previous_; }
  Because(const Because &) = delete;
  Because &operator=(const Because &) = delete;

  static Cause current() noexcept { return current_; }

private:
  static inline constinit thread_local Cause current_ = Cause::Request;
  Cause previous_;
};

} // namespace osr
