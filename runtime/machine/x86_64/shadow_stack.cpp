#include "runtime/machine/shadow_stack.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {
namespace {

constexpr unsigned long arch_shstk_status = 0x5005; ///< ARCH_SHSTK_STATUS of newer kernels

} // namespace

/// CET.
bool shadow_stack_is_active() {
  unsigned long features = 0;
  return syscall(SYS_arch_prctl, arch_shstk_status, &features) == 0 && (features & 1);
}

} // namespace osr
