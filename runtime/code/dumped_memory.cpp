#include "runtime/code/dumped_memory.h"

#include "runtime/code/free_extents.h"
#include "runtime/process/leaf_mutex.h"

#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <sys/mman.h>

namespace osr {
namespace {

constexpr std::uint64_t alignment = 16, chunk_bytes = std::uint64_t(1) << 20;

struct DumpedPool {
  LeafMutex mutex;
  FreeExtents free OSR_GUARDED_BY(mutex){Extent()};
};

/// Never destroyed, like what lies in it.
DumpedPool &dumped_pool() {
  static auto &pool = *new DumpedPool;
  return pool;
}

std::uint64_t room_for(std::size_t size) { return llvm::alignTo(std::max<std::uint64_t>(size, 1), alignment); }

/// Null: there is no memory but the heap's.
std::uint8_t *take_dumped(std::uint64_t size) {
  DumpedPool &pool = dumped_pool();
  Lock lock(pool.mutex);
  auto taken = pool.free.take(size, alignment);
  if (!taken) {
    const std::uint64_t more = llvm::alignTo(size + alignment, chunk_bytes);
    void *chunk = ::mmap(nullptr, more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
      return nullptr;
    const auto begin = reinterpret_cast<std::uint64_t>(chunk);
    pool.free.give_back({begin, begin + more});
    taken = pool.free.take(size, alignment);
  }
  return reinterpret_cast<std::uint8_t *>(*taken);
}

} // namespace

DumpedBytes::DumpedBytes(std::size_t size) : size_(size), data_(take_dumped(room_for(size))) {
  if (data_)
    return;
  on_heap_ = std::make_unique<std::uint8_t[]>(size);
  data_ = on_heap_.get();
}

DumpedBytes::~DumpedBytes() {
  if (on_heap_)
    return;
  const auto begin = reinterpret_cast<std::uint64_t>(data_);
  DumpedPool &pool = dumped_pool();
  Lock lock(pool.mutex);
  pool.free.give_back({begin, begin + room_for(size_)});
}

} // namespace osr
