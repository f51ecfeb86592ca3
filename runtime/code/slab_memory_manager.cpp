#include "runtime/code/slab_memory_manager.h"

#include "compiler/base/error.h"

#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/ExecutionEngine/Orc/Shared/AllocationActions.h>

#include <algorithm>
#include <vector>

namespace osr {

using namespace llvm::BitmaskEnumDetail; // & and | of section protections

using llvm::orc::MemLifetime;
using llvm::orc::MemProt;

/// The memory of one object, and what is to be called before it is freed.
struct SlabMemoryManager::Allocation {
  explicit Allocation(SlabArena &from) : arena(from) {}
  ~Allocation() {
    for (const SlabMemory &part : parts)
      arena.release(part);
  }
  Allocation(const Allocation &) = delete;
  Allocation &operator=(const Allocation &) = delete;

  SlabArena &arena;
  std::vector<SlabMemory> parts;
  std::vector<llvm::orc::shared::WrapperFunctionCall> dealloc_actions;
};

class SlabMemoryManager::InFlight final : public InFlightAlloc {
public:
  InFlight(SlabArena &arena, llvm::jitlink::LinkGraph &graph)
      : graph_(graph), standard_(std::make_unique<Allocation>(arena)), finalize_(std::make_unique<Allocation>(arena)) {}

  Allocation &part_for(MemLifetime lifetime) { return lifetime == MemLifetime::Finalize ? *finalize_ : *standard_; }

  void abandon(OnAbandonedFunction on_abandoned) override {
    finalize_.reset();
    standard_.reset();
    on_abandoned(llvm::Error::success());
  }

  /// The bytes are in place already (written through the other view), and no protection changes.
  void finalize(OnFinalizedFunction on_finalized) override {
    auto dealloc_actions = llvm::orc::shared::runFinalizeActions(graph_.allocActions());
    finalize_.reset();
    if (!dealloc_actions) {
      standard_.reset();
      return on_finalized(dealloc_actions.takeError());
    }
    standard_->dealloc_actions = std::move(*dealloc_actions);
    on_finalized(FinalizedAlloc(llvm::orc::ExecutorAddr::fromPtr(standard_.release())));
  }

private:
  llvm::jitlink::LinkGraph &graph_;
  std::unique_ptr<Allocation> standard_;
  std::unique_ptr<Allocation> finalize_;
};

namespace {

SlabKind kind_for(MemProt protection) {
  if ((protection & MemProt::Exec) != MemProt::None)
    return SlabKind::Code;
  return (protection & MemProt::Write) != MemProt::None ? SlabKind::Data : SlabKind::ReadOnly;
}

llvm::Error check_protections(llvm::jitlink::LinkGraph &graph) {
  constexpr MemProt both = MemProt::Write | MemProt::Exec;
  for (const llvm::jitlink::Section &section : graph.sections())
    if ((section.getMemProt() & both) == both && section.getMemLifetime() != MemLifetime::NoAlloc)
      return make_error("section {} is writable and executable; no memory may be both", section.getName().str());
  return llvm::Error::success();
}

} // namespace

llvm::Expected<std::unique_ptr<SlabMemoryManager::InFlight>>
SlabMemoryManager::allocate_segments(llvm::jitlink::LinkGraph &graph) {
  if (llvm::Error error = check_protections(graph))
    return error;
  auto in_flight = std::make_unique<InFlight>(arena_, graph);
  llvm::jitlink::BasicLayout layout(graph);
  for (auto &[group, segment] : layout.segments()) {
    const SlabKind kind = kind_for(group.getMemProt());
    auto memory = arena_.allocate(kind, segment.ContentSize + segment.ZeroFillSize, segment.Alignment.value());
    if (!memory)
      return memory.takeError();
    in_flight->part_for(group.getMemLifetime()).parts.push_back(*memory);
    segment.Addr = llvm::orc::ExecutorAddr(memory->address);
    segment.WorkingMem = memory->writable;
    if (kind == SlabKind::Code) // the other slabs hand out zeros
      std::fill_n(memory->writable + segment.ContentSize, segment.ZeroFillSize, 0);
  }
  if (llvm::Error error = layout.apply())
    return error;
  return in_flight;
}

void SlabMemoryManager::allocate(const llvm::jitlink::JITLinkDylib *, llvm::jitlink::LinkGraph &graph,
                                 OnAllocatedFunction on_allocated) {
  llvm::Expected<std::unique_ptr<InFlight>> in_flight = allocate_segments(graph);
  if (!in_flight)
    return on_allocated(in_flight.takeError());
  on_allocated(std::move(*in_flight));
}

void SlabMemoryManager::deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction on_deallocated) {
  llvm::Error errors = llvm::Error::success();
  for (FinalizedAlloc &finalized : llvm::reverse(allocations)) {
    std::unique_ptr<Allocation> allocation(finalized.release().toPtr<Allocation *>());
    errors = joinErrors(std::move(errors), llvm::orc::shared::runDeallocActions(allocation->dealloc_actions));
  }
  on_deallocated(std::move(errors));
}

} // namespace osr
