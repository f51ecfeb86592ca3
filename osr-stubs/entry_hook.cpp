#include "osr-stubs/entry_hook.h"

extern "C" std::uint64_t osr_entry_hook_target(osr::EntryFrame *frame) {
  return frame->hook->handler(*frame->hook, *frame);
}
