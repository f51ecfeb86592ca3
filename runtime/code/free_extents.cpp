#include "runtime/code/free_extents.h"

#include "compiler/base/check.h"

#include <llvm/Support/MathExtras.h>

namespace osr {

FreeExtents::FreeExtents(Extent whole) { add(whole); }

void FreeExtents::add(Extent extent) {
  if (extent.size() == 0)
    return;
  by_begin_.emplace(extent.begin, extent.end);
  by_size_.emplace(extent.size(), extent.begin);
  free_bytes_ += extent.size();
}

void FreeExtents::remove(ByBegin::iterator position) {
  const auto [begin, end] = *position;
  by_size_.erase({end - begin, begin});
  by_begin_.erase(position);
  free_bytes_ -= end - begin;
}

std::optional<std::uint64_t> FreeExtents::take(std::uint64_t size, std::uint64_t align) {
  // The smallest extent that can hold the bytes often is aligned already; one that is `align - 1` larger always fits.
  auto candidate = by_size_.lower_bound({size, 0});
  const auto holds = [&](const auto &free) {
    return llvm::alignTo(free.second, align) + size <= free.second + free.first;
  };
  if (candidate != by_size_.end() && !holds(*candidate))
    candidate = by_size_.lower_bound({size + align - 1, 0});
  if (candidate == by_size_.end())
    return std::nullopt;
  const Extent extent{candidate->second, candidate->second + candidate->first};
  const std::uint64_t begin = llvm::alignTo(extent.begin, align);
  remove(by_begin_.find(extent.begin));
  add({extent.begin, begin});
  add({begin + size, extent.end});
  return begin;
}

Extent FreeExtents::give_back(Extent extent) {
  OSR_CHECK(extent.begin < extent.end, "extent {:#x}..{:#x} is empty", extent.begin, extent.end);
  auto next = by_begin_.lower_bound(extent.begin);
  OSR_CHECK(next == by_begin_.end() || extent.end <= next->first, "{:#x}..{:#x} is free already, from {:#x}",
            extent.begin, extent.end, next->first);
  if (next != by_begin_.begin()) {
    auto previous = std::prev(next);
    OSR_CHECK(previous->second <= extent.begin, "{:#x}..{:#x} is free already, up to {:#x}", extent.begin, extent.end,
              previous->second);
    if (previous->second == extent.begin) {
      extent.begin = previous->first;
      remove(previous);
    }
  }
  if (next != by_begin_.end() && next->first == extent.end) {
    extent.end = next->second;
    remove(next);
  }
  add(extent);
  return extent;
}

} // namespace osr
