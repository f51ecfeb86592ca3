// The memory of all generated code: one reservation of address space in which code, constants and data lie side by
// side, so that every call and every PC-relative reference reaches (32-bit displacements).
//
//              one reservation, at most 2 GiB                      elsewhere, same pages
//      +----------------+----------------+---------------+      +-------------+-------------+
//      | Code       r-x | ReadOnly   r-- | Data      rw- |      | Code    rw- | ReadOnly rw-|
//      +----------------+----------------+---------------+      +-------------+-------------+
//      shared, no name   shared, no name  private memory
//
// Code and constants are written through the second view, so no address is ever writable and executable, nothing is
// re-protected, and a new function costs no mapping. The pages are shared anonymous memory, and the second view is
// mremap() from a size of 0, which duplicates a mapping: no file descriptor is behind them at any time. The number of
// one would be the program's to close and to open again, and the runtime would then work on a file of the program.
// Data is private memory because it holds the program's variables: after a fork, parent and child must not share them.
// For the same reason a fork gives the child its own copy of code and constants (slab_fork.cpp): either process may
// then add and free code without touching the other.
#pragma once

#include "compiler/base/mutex.h"
#include "runtime/code/free_extents.h"

#include "osr/options.h"

#include <llvm/Support/Error.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace osr {

enum class SlabKind : std::uint8_t { Code, ReadOnly, Data };
inline constexpr unsigned slab_kind_count = 3;

/// A piece of the arena. A handle: copying it copies nothing, and whoever allocated it releases it once.
struct SlabMemory {
  SlabKind kind = SlabKind::Code;
  std::uint64_t address = 0; ///< where the program sees it
  char *writable = nullptr;  ///< the same bytes, writable (for Data the same address)
  std::uint64_t size = 0;
};
using CodeMemory = SlabMemory;

/// All functions are thread-safe. The arena must outlive everything allocated from it.
class SlabArena {
public:
  /// Fails if the sizes add up to more than 2 GiB or the kernel refuses memory.
  static llvm::Expected<std::unique_ptr<SlabArena>> create(const SlabSizes &sizes = {});
  ~SlabArena();
  SlabArena(const SlabArena &) = delete;
  SlabArena &operator=(const SlabArena &) = delete;

  /// `size` bytes at a multiple of `align` (a power of two). ReadOnly and Data memory is zero; Code
  /// memory is unspecified. Fails when the slab is full; the error names the slab.
  llvm::Expected<SlabMemory> allocate(SlabKind kind, std::uint64_t size, std::uint64_t align = 1);
  llvm::Expected<CodeMemory> allocate_code(std::uint64_t size, std::uint64_t align = 16) {
    return allocate(SlabKind::Code, size, align);
  }

  /// Takes memory back. The bytes are overwritten at once (code with traps); pages that are free as a whole go back
  /// to the kernel. For code the caller must know that no thread is in it or will come back to it.
  void release(const SlabMemory &memory);

  /// The addresses of a slab, and of all of them, as the program sees them.
  Extent range(SlabKind kind) const { return slab(kind).range; }
  Extent addresses() const { return {range(SlabKind::Code).begin, range(SlabKind::Data).end}; }
  bool contains_code(std::uint64_t pc) const { return slab(SlabKind::Code).range.contains(pc); }

  /// The writable address of a byte of a slab, null if `address` is in none.
  char *writable(std::uint64_t address) const;

  std::uint64_t used_bytes(SlabKind kind) const;
  /// The end of the highest piece that was ever allocated. Takes no lock.
  std::uint64_t highest_used(SlabKind kind) const { return slab(kind).highest_used.load(std::memory_order_acquire); }

private:
  struct Slab {
    explicit Slab(Extent addresses)
        : range(addresses), free(addresses), highest_used(addresses.begin), dumped_end(addresses.begin) {}
    Extent range;
    char *writable = nullptr; ///< of range.begin
    char *copy = nullptr;     ///< during a fork: the child's, Code and ReadOnly only
    mutable Mutex mutex;
    FreeExtents free OSR_GUARDED_BY(mutex);
    std::atomic<std::uint64_t> highest_used;
    std::uint64_t dumped_end OSR_GUARDED_BY(mutex); ///< what lies above is left out of core files
  };
  friend struct SlabForkHandlers;

  SlabArena() = default;
  Slab &slab(SlabKind kind) const { return *slabs_[unsigned(kind)]; }
  llvm::Error map(const SlabSizes &sizes);
  llvm::Error map_two_views(SlabKind kind);
  /// Core files get the program's view of what was used, and nothing else: all of it would be written, touched or not.
  static void leave_out_of_cores(const Slab &slab) OSR_REQUIRES(slab.mutex);
  static void dump_used(Slab &slab) OSR_REQUIRES(slab.mutex);
  void give_pages_back(Slab &slab, SlabKind kind, Extent pages);

  char *reservation_ = nullptr;
  std::uint64_t reservation_size_ = 0;
  std::array<std::unique_ptr<Slab>, slab_kind_count> slabs_;
};

} // namespace osr
