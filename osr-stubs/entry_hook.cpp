#include "osr-stubs/entry_hook.h"

#include "compiler/base/check.h"

namespace {

std::uint64_t no_handler(osr::EntryFrame *frame) {
  osr::check_failed(
      __FILE__, __LINE__, "osr_entry_hook_handler is set",
      fmt::format("function {} was entered through a hook before the runtime set a handler", frame->function));
}

} // namespace

extern "C" {
std::uint64_t (*osr_entry_hook_handler)(osr::EntryFrame *) = no_handler;

std::uint64_t osr_entry_hook_target(osr::EntryFrame *frame) { return osr_entry_hook_handler(frame); }
}
