// A heap of a host that moves all objects at each collection, and makes what was there inaccessible.
#pragma once

#include "osr/safepoint.h"
#include "test/support/catch_header.h"

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <mutex>
#include <sys/mman.h>

namespace osr {

/// An object: header, references, then plain words. The header has the number of references in its upper half, that of all
/// words behind it in the lower; or the object's new address, with the lowest bit set.
class CopyingHeap {
public:
  ~CopyingHeap() { drop(space_); }

  static std::uint64_t header(std::uint32_t references, std::uint32_t words) {
    return (std::uint64_t(references) << 32) | (std::uint64_t(words) << 1);
  }

  void *allocate(std::uint32_t references, std::uint32_t words) {
    std::lock_guard lock(mutex_);
    if (!space_)
      space_ = map();
    REQUIRE(top_ + (words + 1) * 8 <= space_bytes);
    auto *object = reinterpret_cast<std::uint64_t *>(space_ + top_);
    top_ += (words + 1) * 8;
    object[0] = header(references, words);
    return object;
  }

  void collect(Safepoint &safepoint) { collect({&safepoint}); }
  /// Of several runtimes that use this heap.
  void collect(std::initializer_list<Safepoint *> safepoints) {
    char *old = space_;
    space_ = map();
    top_ = 0;
    std::uint64_t scanned = 0;
    for (Safepoint *safepoint : safepoints)
      safepoint->visit_roots([&](Root root) { root.object = copy(root.object); });
    for (; scanned < top_;) {
      auto *object = reinterpret_cast<std::uint64_t *>(space_ + scanned);
      for (std::uint32_t i = 0; i < object[0] >> 32; ++i)
        object[1 + i] = reinterpret_cast<std::uint64_t>(copy(reinterpret_cast<void *>(object[1 + i])));
      scanned += (words_of(object[0]) + 1) * 8;
    }
    drop(old);
    ++collections;
    for (Safepoint *safepoint : safepoints) {
      roots += safepoint->root_count();
      derived += safepoint->derived_count();
    }
  }

  /// Nothing moves, and nothing is freed.
  void look_at(Safepoint &safepoint) {
    safepoint.visit_roots([&](Root root) {
      auto *object = static_cast<std::uint64_t *>(root.object);
      REQUIRE((!object || (words_of(*object) > 0 && (*object & 1) == 0)));
    });
    ++collections;
    roots += safepoint.root_count();
    derived += safepoint.derived_count();
  }

  std::uint64_t collections = 0, roots = 0, derived = 0;

private:
  static constexpr std::size_t space_bytes = std::size_t(4) << 20;
  static std::uint32_t words_of(std::uint64_t header) { return std::uint32_t(header) >> 1; }
  static char *map() {
    void *space =
        mmap(nullptr, space_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(space != MAP_FAILED);
    return static_cast<char *>(space);
  }
  static void drop(char *space) {
    if (space)
      munmap(space, space_bytes);
  }

  void *copy(void *pointer) {
    if (!pointer)
      return nullptr;
    auto *object = static_cast<std::uint64_t *>(pointer);
    if (object[0] & 1)
      return reinterpret_cast<void *>(object[0] & ~std::uint64_t(1));
    const std::size_t bytes = (words_of(object[0]) + 1) * 8;
    char *to = space_ + top_;
    std::memcpy(to, object, bytes);
    top_ += bytes;
    object[0] = reinterpret_cast<std::uint64_t>(to) | 1;
    return to;
  }

  std::mutex mutex_;
  char *space_ = nullptr;
  std::size_t top_ = 0;
};

} // namespace osr
