// The C interface of threads, and of stacks that they change to.
#include "runtime/facade/c_support.h"

#include "compiler/base/message.h"
#include "osr/fiber.h"
#include "osr/host_stack.h"
#include "osr/thread.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/staying.h"

using namespace llvm;
using namespace osr;

struct osr_fiber {
  std::unique_ptr<Fiber> fiber;
};

struct osr_stack {
  std::unique_ptr<HostStack> stack;
};

namespace {

thread_local std::vector<ThreadAttachment> attachments;

template <typename Part, typename Handle> char *hand_out(Expected<std::unique_ptr<Part>> made, Handle **handle) {
  if (!made)
    return message_of(made.takeError());
  *handle = new Handle{std::move(*made)};
  return nullptr;
}

} // namespace

char *osr_attach_thread() {
  auto attachment = ThreadAttachment::attach();
  if (!attachment)
    return message_of(attachment.takeError());
  attachments.push_back(std::move(*attachment));
  return nullptr;
}

void osr_detach_thread() {
  if (!attachments.empty())
    attachments.pop_back();
}

std::uint64_t osr_call(std::uint64_t address, std::uint64_t first, std::uint64_t second, std::uint64_t third) {
  if (!attachments.empty())
    return attachments.back().call(address, first, second, third);
  auto attached = ThreadAttachment::attach();
  if (attached)
    return attached->call(address, first, second, third);
  say("a function of the program is not called: " + toString(attached.takeError()));
  return 0;
}

static constexpr int has_left = 1, stays = 2;

int osr_go_away() { return (go_away_from_program() ? has_left : 0) | (begin_stay() ? stays : 0); }

void osr_come_back(int was_in_program) {
  if (was_in_program & stays)
    end_stay();
  if (was_in_program & has_left)
    come_back_to_program();
}

int osr_come_in() {
  const ProgramThread *self = ThreadRegistry::current();
  const bool comes = self && self->presence.load(std::memory_order_relaxed) == Presence::Away;
  if (comes)
    come_back_to_program();
  return comes;
}

void osr_go_out(int has_come_in) {
  if (has_come_in)
    go_away_from_program();
}

void osr_poll() { InProgram::poll(); }

char *osr_fiber_create(void (*work)(void *), void *context, std::size_t stack_bytes, osr_fiber **fiber) {
  return hand_out(Fiber::create([=] { work(context); }, stack_bytes ? stack_bytes : Fiber::usual_stack), fiber);
}

char *osr_fiber_resume(osr_fiber *fiber, int *is_suspended) { return give(fiber->fiber->resume(), is_suspended); }

char *osr_fiber_suspend() { return message_of(Fiber::suspend()); }

void osr_fiber_destroy(osr_fiber *fiber) { delete fiber; }

char *osr_stack_of_this_thread(osr_stack **stack) { return hand_out(HostStack::of_this_thread(), stack); }

char *osr_stack_at(void *low, std::size_t bytes, osr_stack **stack) {
  return hand_out(HostStack::at(low, bytes), stack);
}

char *osr_stack_change(osr_stack *from, osr_stack *to, void (*change)(void *), void *context) {
  return message_of(from->stack->change_to(*to->stack, [&] { change(context); }));
}

char *osr_stack_begin(osr_stack *stack, void (*work)(void *), void *context) {
  return message_of(stack->stack->begin([&] { work(context); }));
}

void osr_stack_forget(osr_stack *stack) { delete stack; }
