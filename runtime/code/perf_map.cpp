#include "runtime/code/perf_map.h"

#include "compiler/base/error.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace osr {
namespace {

std::atomic<int> map_file = -1;

} // namespace

llvm::Error open_perf_map() {
  const std::string path = fmt::format("/tmp/perf-{}.map", getpid());
  unlink(path.c_str()); // of an earlier process with this number
  // Others may put something in its place: /tmp belongs to all.
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return make_error("cannot write the map for perf, '{}': {}", path, std::strerror(errno));
  map_file = file;
  return llvm::Error::success();
}

/// One write for each piece: lines of several threads do not mix.
void note_in_perf_map(const DebugCode &code) {
  const int file = map_file.load(std::memory_order_relaxed);
  if (file < 0)
    return;
  std::string lines;
  for (const DebugSymbol &symbol : code.symbols)
    if (symbol.size != 0)
      lines += fmt::format("{:x} {:x} {}\n", symbol.address, symbol.size, symbol.name);
  [[maybe_unused]] const ssize_t written = write(file, lines.data(), lines.size()); // a full disk costs names only
}

} // namespace osr
