// The free parts of one address range: best fit, neighbours merged, every operation O(log n).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace osr {

/// Half-open range of offsets or addresses.
struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t size() const { return end - begin; }
  bool contains(std::uint64_t address) const { return begin <= address && address < end; }
  friend bool operator==(const Extent &, const Extent &) = default;
};

/// Not thread-safe.
class FreeExtents {
public:
  /// Everything in `whole` is free.
  explicit FreeExtents(Extent whole);

  /// Takes `size` bytes at a multiple of `align` (a power of two) out of the smallest extent that surely holds them.
  std::optional<std::uint64_t> take(std::uint64_t size, std::uint64_t align);

  /// Gives `extent` back and returns the merged free extent around it. Giving back what is free is a bug (OSR_CHECK).
  Extent give_back(Extent extent);

  /// Calls `visit` with each extent of `whole` that is not free, in order.
  template <typename Visitor> void for_each_taken(Extent whole, Visitor visit) const {
    std::uint64_t begin = whole.begin;
    for (const auto &[free_begin, free_end] : by_begin_) {
      if (begin < free_begin)
        visit(Extent{begin, free_begin});
      begin = free_end;
    }
    if (begin < whole.end)
      visit(Extent{begin, whole.end});
  }

  std::uint64_t free_bytes() const { return free_bytes_; }
  std::size_t extent_count() const { return by_begin_.size(); }

private:
  using ByBegin = std::map<std::uint64_t, std::uint64_t>; // begin -> end
  void add(Extent extent);
  void remove(ByBegin::iterator position);

  ByBegin by_begin_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_; // (size, begin)
  std::uint64_t free_bytes_ = 0;
};

} // namespace osr
