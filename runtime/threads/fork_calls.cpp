#include "runtime/threads/fork_calls.h"

#include "runtime/machine/page_size.h"
#include "runtime/machine/system_calls.h"
#include "runtime/process/fork_handlers.h"
#include "runtime/process/in_library.h"
#include "runtime/process/program_memory.h"
#include "runtime/threads/program_thread.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {
namespace {

/// The C library's own, also where this process exports functions of these names.
struct ForksOfLibrary {
  decltype(&::_Fork) fork = in_library(&::_Fork, "_Fork");
  decltype(&::clone) clone = in_library(&::clone, "clone");
};

const ForksOfLibrary &forks_of_library() {
  static const ForksOfLibrary found;
  return found;
}

/// `make` returns twice, or only in the parent.
template <typename Make> long forked(Make make) {
  before_raw_fork();
  const long child = make();
  const int error = errno;
  after_raw_fork(child == 0 ? ForkSide::Child : ForkSide::Parent);
  errno = error;
  return child;
}

/// What the child of clone() has to run. On the parent's stack, of which the child has a copy.
struct ForkStart {
  int (*function)(void *);
  void *argument;
  std::uint64_t stack_high;
};

/// Its stack is what it was given, of unknown size. Nothing returns to the parent's frames, and no walk comes to them.
int run_child(void *given) {
  const ForkStart start = *static_cast<ForkStart *>(given);
  after_raw_fork(ForkSide::Child);
  ProgramThread *self = ThreadRegistry::current();
  if (!self)
    return start.function(start.argument);
  self->base = {};
  self->stack_begin = 0;
  self->stack_low = stack_reserve;
  self->stack_high = start.stack_high;
  return int(
      enter(*self, reinterpret_cast<std::uint64_t>(start.function), reinterpret_cast<std::uint64_t>(start.argument)));
}

/// The memory is copied, and what is thread-local stays where it is.
bool is_copied(unsigned long flags) { return !(flags & (CLONE_VM | CLONE_SETTLS)); }

/// The parent waits in a vfork, with what it holds of the runtime's: others would wait for it.
constexpr unsigned long left_out = CLONE_VFORK;

/// The kernel takes no more, and what it does not know has to be zero.
constexpr std::size_t most_clone_arguments = page_size;

/// The wishes may be a constant: what is left out is left out of a copy.
long forked_by_clone3(const clone_args *wanted, std::size_t size) {
  alignas(clone_args) std::array<std::byte, most_clone_arguments> copy;
  const void *given = wanted;
  if (wanted->flags & left_out && size <= copy.size() && is_readable(wanted, size)) {
    std::memcpy(copy.data(), wanted, size);
    reinterpret_cast<clone_args *>(copy.data())->flags &= ~std::uint64_t(left_out);
    given = copy.data();
  }
  return forked([=] { return ::syscall(SYS_clone3, given, size); });
}

int clone_of_program(int (*function)(void *), void *stack, int flags, void *argument, ...) {
  va_list more;
  va_start(more, argument);
  const int child = forking::clone(function, stack, flags, argument, more);
  va_end(more);
  return child;
}

} // namespace

namespace forking {

pid_t _Fork() {
  return pid_t(forked([] { return long(forks_of_library().fork()); }));
}

int clone(int (*function)(void *), void *stack, int flags, void *argument, va_list more) {
  auto *parent_tid = va_arg(more, pid_t *);
  void *thread_memory = va_arg(more, void *);
  auto *child_tid = va_arg(more, pid_t *);
  const auto call = [&](int (*called)(void *), int with, void *first) {
    return forks_of_library().clone(called, stack, with, first, parent_tid, thread_memory, child_tid);
  };
  if (!is_copied(unsigned(flags)) || !function || !stack)
    return call(function, flags, argument);
  ForkStart start{function, argument, reinterpret_cast<std::uint64_t>(stack)};
  return int(forked([&] { return long(call(run_child, flags & ~int(left_out), &start)); }));
}

bool is_fork(long number, long first, long second) {
  switch (number) {
  case fork_call:
  case vfork_call: return true;
  case SYS_clone: return is_copied(static_cast<unsigned long>(first)) && second == 0;
  case SYS_clone3: {
    const auto *wanted = reinterpret_cast<const clone_args *>(first);
    return std::size_t(second) >= CLONE_ARGS_SIZE_VER0 && is_readable(wanted, CLONE_ARGS_SIZE_VER0) &&
           is_copied(wanted->flags) && wanted->stack == 0;
  }
  default: return false;
  }
}

long system_call(long number, long a, long b, long c, long d, long e) {
  if (number == SYS_clone3)
    return forked_by_clone3(reinterpret_cast<const clone_args *>(a), std::size_t(b));
  if (number == vfork_call)
    number = fork_call;
  if (number == SYS_clone)
    a &= ~long(left_out);
  return forked([=] { return ::syscall(number, a, b, c, d, e); });
}

} // namespace forking

std::vector<AbsoluteSymbol> fork_call_symbols() {
  (void)forks_of_library(); // a handler is not to be the first who looks for them
  return {symbol_of("_Fork", forking::_Fork), symbol_of("clone", clone_of_program),
          symbol_of("__clone", clone_of_program)};
}

} // namespace osr
