#include "osr/thread.h"

#include "compiler/base/message.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/staying.h"

#include <fmt/format.h>

using namespace llvm;

namespace osr {
namespace {

/// For the time of the call: this thread was not attached by itself.
std::uint64_t call_attached(std::uint64_t address, std::uint64_t first, std::uint64_t second, std::uint64_t third) {
  auto attached = ThreadAttachment::attach();
  if (attached)
    return attached->call(address, first, second, third);
  say(fmt::format("a function of the program is not called: {}", toString(attached.takeError())));
  return 0;
}

} // namespace

Expected<ThreadAttachment> ThreadAttachment::attach() {
  const bool is_outermost = !ThreadRegistry::current();
  auto thread = attach_thread();
  if (!thread)
    return thread.takeError();
  return ThreadAttachment(is_outermost);
}

/// Control will come back to the program, in a thread that nobody could stop any more: then it stays attached, until it ends.
ThreadAttachment::~ThreadAttachment() {
  ProgramThread *self = ThreadRegistry::current();
  if (!is_outermost_ || !self)
    return;
  forget_if_left(*self, __builtin_frame_address(0));
  if (self->base.cfa != 0)
    say(fmt::format("thread {} stays attached: it is in a function of the program", self->tid));
  else
    detach_thread();
}

std::uint64_t ThreadAttachment::call(std::uint64_t address, std::uint64_t first, std::uint64_t second,
                                     std::uint64_t third) {
  ProgramThread *self = ThreadRegistry::current();
  if (!self) // the object is another thread's
    return call_attached(address, first, second, third);
  forget_if_left(*self, __builtin_frame_address(0));
  return enter(*self, address, first, second, third);
}

AwayFromProgram::AwayFromProgram() : has_left_(go_away_from_program()), stays_(begin_stay()) {}

AwayFromProgram::~AwayFromProgram() {
  if (stays_)
    end_stay();
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
