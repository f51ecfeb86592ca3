#include "runtime/threads/work_stack.h"

#include "osr-stubs/call_on_stack.h"
#include "runtime/threads/program_thread.h"

#include <array>
#include <atomic>
#include <sys/mman.h>

namespace osr {
namespace {

constexpr std::size_t stack_bytes = std::size_t(64) << 20; ///< of address space; pages take memory when first touched
constexpr std::size_t guard_bytes = std::size_t(64) << 10;
constexpr std::size_t dumped_bytes = std::size_t(1) << 20; ///< what a core file gets, at the upper end
constexpr std::size_t most_kept = 8; ///< for the next; more threads than that hardly ever work at once

/// Lowest addresses. Lock-free: a thread may be forked away at any time.
constinit std::array<std::atomic<char *>, most_kept> kept{};

char *take() {
  for (std::atomic<char *> &slot : kept)
    if (char *low = slot.exchange(nullptr, std::memory_order_acquire))
      return low;
  void *low = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (low == MAP_FAILED)
    return nullptr;
  mprotect(low, guard_bytes, PROT_NONE);
  madvise(low, stack_bytes - dumped_bytes, MADV_DONTDUMP);
  return static_cast<char *>(low);
}

void give_back(char *low) {
  for (std::atomic<char *> &slot : kept) {
    char *none = nullptr;
    if (slot.compare_exchange_strong(none, low, std::memory_order_release, std::memory_order_relaxed))
      return;
  }
  munmap(low, stack_bytes);
}

void call(void *work) { (*static_cast<llvm::function_ref<void()> *>(work))(); }

} // namespace

void on_work_stack(llvm::function_ref<void()> work) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) // they know the threads' own stacks only
  return work();
#else
  ProgramThread *self = ThreadRegistry::current();
  if (!self || self->is_working_at(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0))))
    return work();
  char *low = take();
  if (!low)
    return work();
  self->work_low = reinterpret_cast<std::uint64_t>(low);
  self->work_high = self->work_low + stack_bytes;
  osr_call_on_stack(call, &work, low + stack_bytes, &self->outside);
  give_back(low);
#endif
}

} // namespace osr
