#include "runtime/threads/interrupted_call.h"

#include "osr-stubs/waiting_call.h"
#include "runtime/machine/context.h"
#include "runtime/machine/page_size.h"
#include "runtime/process/stop_signal.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

// ThreadSanitizer must not see what runs in the handler.
#define OSR_IN_STOP_HANDLER __attribute__((no_sanitize("thread")))

namespace osr {
namespace {

/// As rt_sigaction has it.
struct KernelAction {
  std::uintptr_t handler;
  unsigned long flags;
  void (*restorer)();
  KernelMask mask;
};

enum class Which : std::uint8_t { Any, WithoutRestart };

OSR_IN_STOP_HANDLER bool is_handled(int signal, Which which) {
  KernelAction action{};
  if (syscall(SYS_rt_sigaction, signal, nullptr, &action, sizeof(KernelMask)) != 0 || action.handler <= 1)
    return false; // SIG_DFL and SIG_IGN
  return which == Which::Any || !(action.flags & SA_RESTART);
}

OSR_IN_STOP_HANDLER bool is_pending(KernelMask mask, Which which) {
  KernelMask pending = 0;
  syscall(SYS_rt_sigpending, &pending, sizeof pending);
  pending &= ~mask;
  for (int signal = 1; pending >> (signal - 1) != 0; ++signal) {
    if ((pending & mask_of(signal)) && signal != stop_signal() && is_handled(signal, which))
      return true;
    if (signal == 64)
      break;
  }
  return false;
}

/// Bytes of one page: the one beside it may not exist.
OSR_IN_STOP_HANDLER bool is_system_call_at(std::uint64_t pc) {
  if (pc % page_size > page_size - arch::system_call_size)
    return false;
  return arch::is_system_call(reinterpret_cast<const unsigned char *>(pc));
}

/// The kernel has set a thread back to this call, or the thread was about to make it: then it may return EINTR as well.
OSR_IN_STOP_HANDLER bool may_return_eintr(std::int64_t call, std::int64_t second_argument) {
  switch (call) {
  case SYS_read:
  case SYS_write:
  case SYS_readv:
  case SYS_writev:
  case SYS_recvfrom:
  case SYS_recvmsg:
  case SYS_sendto:
  case SYS_sendmsg:
  case SYS_accept:
  case SYS_accept4:
  case SYS_wait4:
  case SYS_waitid:
  case SYS_flock:
  case SYS_mq_timedreceive:
  case SYS_mq_timedsend: return true;
  case SYS_fcntl: return second_argument == F_SETLKW || second_argument == F_OFD_SETLKW;
  case SYS_futex: {
    const auto operation = second_argument & FUTEX_CMD_MASK;
    return operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET;
  }
  }
  return false;
}

} // namespace

bool is_handled_signal_pending(KernelMask mask) { return is_pending(mask, Which::Any); }

OSR_IN_STOP_HANDLER void settle_interrupted_call(ProgramThread &self, ucontext_t &context) {
  auto &call = arch::call_word(context);
  const auto pc = std::uint64_t(arch::pc_word(context));
  KernelMask mask;
  __builtin_memcpy(&mask, &context.uc_sigmask, sizeof mask); // the kernel keeps no more than this of a set
  if (call == -EINTR && pc == reinterpret_cast<std::uint64_t>(osr_waiting_call_returned)) {
    self.wait_mask = mask;
    const KernelMask all = ~mask_of(stop_signal());
    __builtin_memcpy(&context.uc_sigmask, &all, sizeof all);
    call = was_stopped;
  } else if (pc == reinterpret_cast<std::uint64_t>(osr_waiting_call_returned)) {
    self.interrupted_by_stop = !is_pending(mask, Which::Any);
  } else if (call == -EINTR && is_system_call_at(pc - arch::system_call_size)) {
    self.interrupted_by_stop = !is_pending(mask, Which::Any);
  } else if (is_system_call_at(pc) && may_return_eintr(call, arch::second_argument(context)) &&
             is_pending(mask, Which::WithoutRestart)) {
    arch::pc_word(context) += arch::system_call_size;
    call = -EINTR;
  }
}

} // namespace osr
