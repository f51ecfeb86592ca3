#include "runtime/code/sync_cores.h"

#include "compiler/base/check.h"

#include <cerrno>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {
namespace {

bool register_process() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0;
}

/// Without membarrier: taking a right away from a page that was used makes the kernel interrupt all cores that run this
/// process, and the return from an interrupt is serializing.
void interrupt_all_cores() {
  const auto size = std::size_t(sysconf(_SC_PAGESIZE));
  void *page = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  OSR_CHECK(page != MAP_FAILED, "no page of memory: error {}", errno);
  *static_cast<volatile char *>(page) = 1;
  mprotect(page, size, PROT_READ);
  munmap(page, size);
}

} // namespace

void sync_cores() {
  static const bool has_membarrier = register_process();
  if (!has_membarrier || syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) != 0)
    interrupt_all_cores();
}

} // namespace osr
