// A runtime whose objects are collected at each allocation, and may move: for tests of what collectors find.
#pragma once

#include "copying_heap.h"
#include "grow_fixture.h"

#include <chrono>

namespace osr {

inline Runtime *collected = nullptr; ///< the runtime of the test
inline CopyingHeap *heap = nullptr;
inline bool objects_move = true;
inline constexpr std::chrono::seconds patience(60); ///< the machine may be busy

/// Collects at each allocation. What it returns is no root before it has returned: it is allocated when others may not collect
/// any more.
inline void *allocate(std::uint64_t references, std::uint64_t words) {
  SafepointOptions how;
  how.objects_move = objects_move;
  how.limit = patience;
  llvm::cantFail(collected->at_safepoint(
      [&](Safepoint &safepoint) { objects_move ? heap->collect(safepoint) : heap->look_at(safepoint); }, how));
  return heap->allocate(std::uint32_t(references), std::uint32_t(words));
}

inline Runtime::Options options_with(Tier tier, bool automatic = false) {
  Runtime::Options options;
  options.tier = tier;
  options.reference_spaces = {1};
  options.host_symbols = {{"allocate", reinterpret_cast<std::uint64_t>(&allocate)}};
  if (automatic)
    options.tier_up = {std::make_shared<const CountingPolicy>(10), /*compile_threads=*/0};
  return options;
}

/// Nodes: next, value.
inline constexpr const char *lists = R"(
  declare ptr addrspace(1) @allocate(i64, i64)
  define internal ptr addrspace(1) @node(ptr addrspace(1) %next, i64 %value) {
    %new = call ptr addrspace(1) @allocate(i64 1, i64 2)
    %link = getelementptr i64, ptr addrspace(1) %new, i64 1
    store ptr addrspace(1) %next, ptr addrspace(1) %link
    %field = getelementptr i64, ptr addrspace(1) %new, i64 2
    store i64 %value, ptr addrspace(1) %field
    ret ptr addrspace(1) %new
  }
  define internal i64 @sum(ptr addrspace(1) %list) {
  entry:
    br label %loop
  loop:
    %at = phi ptr addrspace(1) [ %list, %entry ], [ %next, %more ]
    %sum = phi i64 [ 0, %entry ], [ %larger, %more ]
    %end = icmp eq ptr addrspace(1) %at, null
    br i1 %end, label %done, label %more
  more:
    %field = getelementptr i64, ptr addrspace(1) %at, i64 2
    %value = load i64, ptr addrspace(1) %field
    %larger = add i64 %sum, %value
    %garbage = call ptr addrspace(1) @node(ptr addrspace(1) null, i64 %value)
    %link = getelementptr i64, ptr addrspace(1) %at, i64 1
    %next = load ptr addrspace(1), ptr addrspace(1) %link
    br label %loop
  done:
    ret i64 %sum
  }
  define i64 @lists(i64 %n) {
  entry:
    br label %loop
  loop:
    %i = phi i64 [ 0, %entry ], [ %i.next, %loop ]
    %list = phi ptr addrspace(1) [ null, %entry ], [ %longer, %loop ]
    %longer = call ptr addrspace(1) @node(ptr addrspace(1) %list, i64 %i)
    %i.next = add i64 %i, 1
    %again = icmp ult i64 %i.next, %n
    br i1 %again, label %loop, label %done
  done:
    %first = call i64 @sum(ptr addrspace(1) %longer)
    %second = call i64 @sum(ptr addrspace(1) %longer)
    %both = add i64 %first, %second
    ret i64 %both
  })";

} // namespace osr
