#include "runtime/threads/trampoline_memory.h"

#include "compiler/tiers/trampolines.h"
#include "runtime/threads/program_thread.h"

#include <cerrno>
#include <sys/mman.h>
#include <unistd.h>

namespace osr {
namespace {

/// Addresses from `low` up to `high`.
struct Range {
  std::uint64_t low = 0, high = 0;
};

/// What the thread has made executable last.
constinit thread_local Range executable __attribute__((tls_model("initial-exec")));

constexpr std::uint64_t trampoline_bytes = 24; // at most

bool protect(Range range, int rights) {
  return mprotect(reinterpret_cast<void *>(range.low), range.high - range.low, PROT_READ | PROT_WRITE | rights) == 0;
}

Range make_executable(const ProgramThread *thread, Range pages) {
  if (thread && thread->is_own_stack(pages.low)) {
    const Range stack{thread->stack_begin, thread->stack_high};
    // The main thread's is mapped as far as it has grown, and what it grows by is like the rest.
    if (protect({pages.low, stack.high}, PROT_EXEC | PROT_GROWSDOWN) || protect(stack, PROT_EXEC))
      return stack;
  }
  return protect(pages, PROT_EXEC) ? pages : Range();
}

void prepare_memory(std::uint64_t memory) {
  if (memory >= executable.low && memory + trampoline_bytes <= executable.high)
    return;
  const int error_number = errno;
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const Range pages{memory & -page, (memory + trampoline_bytes + page - 1) & -page};
  executable = make_executable(ThreadRegistry::current(), pages);
  errno = error_number;
}

} // namespace

std::vector<AbsoluteSymbol> trampoline_memory_symbols() {
  return {{trampoline_memory_callee, reinterpret_cast<std::uint64_t>(&prepare_memory)}};
}

} // namespace osr
