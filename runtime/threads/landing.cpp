#include "runtime/threads/no_code.h"
#include "runtime/threads/stopped_walk.h"

namespace osr {

OSR_OF_STOPPED_THREAD bool is_landing(const ProgramThread &thread) {
  const WalkStart start = start_of_walk(thread);
  if (start.kind != PcKind::Exact) // it left its stack, or is held
    return false;
  const NoCode code;
  const NoStubs stubs;
  RulesFinder rules(code, stubs);
  const WalkedPart part = part_to_walk(thread, start, rules);
  if (part.is_empty)
    return false;
  FrameCursor cursor(start, rules, part.bounds);
  for (unsigned helpers = 0; !cursor.done() && helpers < FrameCursor::most_landing_helpers; ++helpers)
    cursor.advance();
  return cursor.status() == WalkStatus::Landing;
}

} // namespace osr
