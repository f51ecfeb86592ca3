#include "runtime/process/program_memory.h"

#include "runtime/machine/page_size.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr {
namespace {

/// What the kernel reads of a set of signals.
constexpr std::size_t set_size = sizeof(std::uint64_t);
/// How to change a mask in no way.
constexpr int no_way = -1;

/// The kernel reads the set first, and says afterwards that there is nothing that it can do with it.
bool is_set_readable(std::uint64_t address) {
  return ::syscall(SYS_rt_sigprocmask, no_way, address, nullptr, set_size) == 0 || errno != EFAULT;
}

/// The kernel writes the mask there, without a set to change it by.
bool is_set_writable(std::uint64_t address) {
  if (!is_set_readable(address))
    return false;
  auto *const word = reinterpret_cast<std::uint64_t *>(address);
  const std::uint64_t kept = *word;
  if (::syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, address, set_size) != 0)
    return false;
  *word = kept;
  return true;
}

/// Words that lie in one page each, of each page.
template <typename Try> bool is_so_everywhere(const void *address, std::size_t size, Try is_so_at) {
  const int error = errno;
  const auto begin = reinterpret_cast<std::uint64_t>(address);
  bool is_so = size == 0 || begin + (size - 1) >= begin;
  for (std::uint64_t at = begin; is_so && at - begin < size; at = (at | (page_size - 1)) + 1)
    is_so = is_so_at(at & ~std::uint64_t(set_size - 1));
  errno = error;
  return is_so;
}

} // namespace

bool is_readable(const void *address, std::size_t size) { return is_so_everywhere(address, size, is_set_readable); }
bool is_writable(const void *address, std::size_t size) { return is_so_everywhere(address, size, is_set_writable); }

} // namespace osr
