#include "runtime/threads/staying.h"

#include "runtime/machine/context.h"
#include "runtime/stack/frame_cursor.h"
#include "runtime/stack/walkable_code.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/no_code.h"

#include <algorithm>
#include <exception>

namespace osr {
namespace {

constexpr unsigned most_host_frames = 64; ///< between the host's function and what has called it

/// Of the calling thread.
std::optional<OutsideRegisters> find_newest_activation(const ProgramThread &self) {
  ucontext_t own;
  getcontext(&own);
  const RegisterSet registers = arch::from_context(own);
  if (!self.is_own_stack(registers.sp) || registers.sp >= self.base.cfa)
    return std::nullopt;
  const NoCode code;
  const NoStubs stubs;
  RulesFinder rules(code, stubs);
  FrameCursor cursor({registers, PcKind::Exact}, rules, stack_bounds(self, {nullptr, SS_DISABLE, 0}));
  for (unsigned frames = 0; !cursor.done() && frames < most_host_frames; cursor.advance(), ++frames)
    if (const Frame &frame = cursor.frame(); WalkableCode::is_of_any(frame.pc - (frame.kind == PcKind::ReturnPc))) {
      if (frame.kind != PcKind::ReturnPc) // a handler has interrupted it
        return std::nullopt;
      OutsideRegisters found{frame.pc, frame.sp, {}};
      std::ranges::copy(cursor.registers().saved, found.saved);
      return found;
    }
  return std::nullopt;
}

} // namespace

bool begin_stay() {
  ProgramThread *self = ThreadRegistry::current();
  if (!self || self->stay.load(std::memory_order_relaxed) != Stay::No)
    return false;
  const auto newest = find_newest_activation(*self);
  if (!newest)
    return false;
  self->stays_at = *newest;
  self->stay.store(Stay::Yes, std::memory_order_release);
  return true;
}

static void end_stay(ProgramThread &self) {
  for (Stay stay = Stay::Yes; !self.stay.compare_exchange_strong(stay, Stay::No, std::memory_order_acq_rel);
       stay = Stay::Yes) {
    if (stay == Stay::No)
      return;
    futex_wait(self.stay, Stay::Held);
  }
}

void end_stay() {
  if (ProgramThread *self = ThreadRegistry::current())
    end_stay(*self);
}

bool hold(ProgramThread &thread) {
  Stay stays = Stay::Yes;
  return thread.stay.compare_exchange_strong(stays, Stay::Held, std::memory_order_acq_rel);
}

void release_held(ProgramThread &thread) {
  Stay held = Stay::Held;
  if (thread.stay.compare_exchange_strong(held, Stay::Yes, std::memory_order_acq_rel))
    futex_wake(thread.stay);
}

NotStaying::NotStaying() {
  ProgramThread *self = ThreadRegistry::current();
  if (!self || self->stay.load(std::memory_order_relaxed) == Stay::No)
    return;
  end_stay(*self);
  stayed_ = self;
  stays_at_ = self->stays_at;
  exceptions_ = std::uncaught_exceptions();
}

/// A fiber may have gone to another thread, where nothing stays; nor does a stack that is unwound.
[[gnu::noinline]] NotStaying::~NotStaying() {
  if (!stayed_ || stayed_ != ThreadRegistry::current() || std::uncaught_exceptions() != exceptions_)
    return;
  stayed_->stays_at = stays_at_;
  stayed_->stay.store(Stay::Yes, std::memory_order_release);
}

} // namespace osr
