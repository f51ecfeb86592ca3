#include "runtime/code/sync_cores.h"

#include "runtime/machine/page_size.h"

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {
namespace {

bool register_process() {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) == 0;
}

alignas(page_size) char spare_page[page_size];

/// Without membarrier: taking away a page that was used makes the kernel interrupt all cores that run this process, and
/// the return from an interrupt is serializing. It needs no memory, so it cannot fail.
void interrupt_all_cores() {
  *static_cast<volatile char *>(spare_page) = 1;
  madvise(spare_page, page_size, MADV_DONTNEED);
}

} // namespace

void sync_cores() {
  static const bool has_membarrier = register_process();
  if (!has_membarrier || syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) != 0)
    interrupt_all_cores();
}

} // namespace osr
