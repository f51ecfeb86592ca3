// JITLink's memory for linked objects, taken from a SlabArena.
#pragma once

#include "runtime/code/slab_arena.h"

#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>

#include <memory>

namespace osr {

/// Packs the segments of each object into the arena's slabs by their protection: executable, read-only, writable.
/// Refuses sections that are writable and executable. Sections with NoAlloc lifetime take no target memory, those with
/// Finalize lifetime only until the object is finalized. Thread-safe. The arena must outlive the manager.
class SlabMemoryManager final : public llvm::jitlink::JITLinkMemoryManager {
public:
  explicit SlabMemoryManager(SlabArena &arena) : arena_(arena) {}

  void allocate(const llvm::jitlink::JITLinkDylib *dylib, llvm::jitlink::LinkGraph &graph,
                OnAllocatedFunction on_allocated) override;
  void deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction on_deallocated) override;
  using JITLinkMemoryManager::allocate;
  using JITLinkMemoryManager::deallocate;

private:
  class InFlight;
  struct Allocation;

  llvm::Expected<std::unique_ptr<InFlight>> allocate_segments(llvm::jitlink::LinkGraph &graph);

  SlabArena &arena_;
};

} // namespace osr
