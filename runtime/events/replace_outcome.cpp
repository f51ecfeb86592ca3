#include "osr/replace.h"

#include <algorithm>

namespace osr {

void ReplaceOutcome::add(const ReplaceOutcome &before) {
  rewritten += before.rewritten;
  at_polls += before.at_polls;
  may_land_in_old += before.may_land_in_old;
  stops += before.stops;
  pause_seconds = std::max(pause_seconds, before.pause_seconds);
  poll_seconds = std::max(poll_seconds, before.poll_seconds);
}

} // namespace osr
