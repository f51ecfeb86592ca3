#include "runtime/threads/no_code.h"
#include "runtime/threads/stopped_walk.h"

namespace osr {

OSR_OF_STOPPED_THREAD bool is_landing(const ProgramThread &thread) {
  if (!thread.has_context())
    return false;
  const RegisterSet stopped = arch::from_context(*thread.context);
  const NoCode code;
  const NoStubs stubs;
  RulesFinder rules(code, stubs);
  const WalkStart start{stopped, PcKind::Exact};
  const WalkedPart part = part_to_walk(thread, start, rules);
  if (part.is_empty || thread.is_working_at(stopped.sp))
    return false;
  FrameCursor cursor(start, rules, part.bounds);
  for (unsigned helpers = 0; !cursor.done() && helpers < FrameCursor::most_landing_helpers; ++helpers)
    cursor.advance();
  return cursor.status() == WalkStatus::Landing;
}

} // namespace osr
