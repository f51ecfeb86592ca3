#include "osr/thread.h"

#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/start_thread.h"

using namespace llvm;

namespace osr {

Expected<ThreadAttachment> ThreadAttachment::attach() {
  const bool is_outermost = !ThreadRegistry::current();
  auto thread = attach_thread();
  if (!thread)
    return thread.takeError();
  return ThreadAttachment(is_outermost);
}

ThreadAttachment::~ThreadAttachment() {
  if (is_outermost_)
    detach_thread();
}

std::uint64_t ThreadAttachment::call(std::uint64_t address, std::uint64_t first, std::uint64_t second,
                                     std::uint64_t third) {
  forget_if_left(*ThreadRegistry::current(), __builtin_frame_address(0));
  return enter(*ThreadRegistry::current(), address, first, second, third);
}

AwayFromProgram::AwayFromProgram() : has_left_(go_away_from_program()) {}

AwayFromProgram::~AwayFromProgram() {
  if (has_left_)
    come_back_to_program();
}

InProgram::InProgram() {
  ProgramThread *self = ThreadRegistry::current();
  has_come_ = self && self->presence.load(std::memory_order_relaxed) == Presence::Away;
  if (has_come_)
    come_back_to_program();
}

InProgram::~InProgram() {
  if (has_come_)
    go_away_from_program();
}

void InProgram::poll() {
  if (ProgramThread *self = ThreadRegistry::current(); self && self->presence.load() == Presence::Inside)
    process_safepoints().pass(*self);
}

} // namespace osr
