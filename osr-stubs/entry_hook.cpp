#include "osr-stubs/entry_hook.h"

#include "osr-stubs/cancellation.h"

extern "C" std::uint64_t osr_entry_hook_target(osr::EntryFrame *frame) {
  const int before = osr::defer_cancellation();
  const std::uint64_t target = frame->hook->handler(*frame->hook, *frame);
  osr::cancel_as_before(before);
  return target;
}
