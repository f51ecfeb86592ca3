#include "runtime/threads/stack_change.h"

#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/staying.h"

#include <utility>

extern "C" void *__cxa_get_globals() noexcept; // <cxxabi.h> is another library's where libc++abi is installed

namespace osr {
namespace {

CaughtExceptions &exceptions_of_thread() { return *reinterpret_cast<CaughtExceptions *>(__cxa_get_globals()); }

struct ChangeUnderWay {
  StackSide *from = nullptr, *to = nullptr;
  bool was_suspended = false; ///< `to`
};
constinit thread_local ChangeUnderWay under_way __attribute__((tls_model("initial-exec")));

OSR_UNCHECKED_LOCKS void be_at(ProgramThread &thread, StackSide &side) {
  thread.take_stack_of(side.stack);
  process_threads().remove_suspended(side.stack);
  exceptions_of_thread() = side.exceptions;
}

/// Away, if it was so when it was left.
void come_in(ProgramThread &thread, const StackSide &at) {
  if (at.presence == Presence::Away && thread.presence.load(std::memory_order_relaxed) == Presence::Inside)
    process_safepoints().leave(thread);
}

} // namespace

void StackSide::give_up() {
  const SafepointGate::Open open(process_safepoints()); // a collector may hold places that are on it
  Lock lock(process_threads().mutex());
  process_threads().remove_suspended(stack);
}

/// Not to be inlined, as arrive(): addresses of thread-local variables must not live across a change, behind which this may be
/// another thread.
[[gnu::noinline]] OSR_UNCHECKED_LOCKS void depart(StackSide &from, StackSide &to, Departure departure) {
  end_stay();
  ProgramThread &thread = *ThreadRegistry::current();
  from.presence = thread.presence.load(std::memory_order_relaxed);
  if (to.presence == Presence::Inside && from.presence == Presence::Away)
    process_safepoints().enter(thread); // there may be references on the other stack
  ThreadRegistry &registry = process_threads();
  registry.mutex().lock();
  under_way = {&from, &to, to.stack.is_suspended};
  from.stack.tid = thread.tid;
  from.stack.take_stack_of(thread);
  from.exceptions = exceptions_of_thread();
  be_at(thread, to);
  if (departure == Departure::ForNow)
    registry.add_suspended(from.stack);
}

[[gnu::noinline]] OSR_UNCHECKED_LOCKS Arrival arrive(StackSide &at) {
  const ChangeUnderWay change = std::exchange(under_way, {});
  if (!change.from)
    return Arrival::Untold;
  ProgramThread &thread = *ThreadRegistry::current();
  ThreadRegistry &registry = process_threads();
  change.from->stack.outside = change.from->context.registers;
  const bool is_as_said = change.to == &at;
  if (!is_as_said) {
    if (change.was_suspended)
      registry.add_suspended(change.to->stack);
    be_at(thread, at);
  }
  registry.mutex().unlock();
  come_in(thread, at);
  return is_as_said ? Arrival::AsSaid : Arrival::Elsewhere;
}

[[gnu::noinline]] void arrive_untold(StackSide &at, StackSide &left) {
  ProgramThread &thread = *ThreadRegistry::current();
  {
    Lock lock(process_threads().mutex());
    left.stack.tid = thread.tid;
    left.stack.take_stack_of(thread);
    left.stack.outside = {};
    left.stack.outside.sp = left.stack.stack_low; // no walk comes anywhere from there
    left.exceptions = exceptions_of_thread();
    process_threads().add_suspended(left.stack);
    be_at(thread, at);
  }
  come_in(thread, at);
}

} // namespace osr
