#include "test/unit/plain_code.h"

#include <cerrno>
#include <sys/syscall.h>
#include <unistd.h>

namespace osr::plain {

void count_until(const std::atomic<bool> &end, std::atomic<std::uint64_t> &count) {
  while (!end)
    count.fetch_add(1, std::memory_order_relaxed);
}

bool errno_stays(int value, const std::atomic<bool> &end, std::atomic<std::uint64_t> &count) {
  bool stays = true;
  errno = value;
  while (!end) {
    count.fetch_add(1, std::memory_order_relaxed);
    stays &= errno == value;
  }
  return stays;
}

int read_byte(int file, std::atomic<std::uint64_t> &count) {
  unsigned char byte;
  ++count;
  return syscall(SYS_read, file, &byte, 1) == 1 ? byte : -1;
}

} // namespace osr::plain
