#include "runtime/stack/stub_table.h"

#include "compiler/base/check.h"
#include "runtime/code/removals.h"

namespace osr {

namespace {
constexpr std::uintptr_t empty = 0, tombstone = 1; // no code is at these addresses
constexpr std::size_t first_capacity = 64;
} // namespace

/// The key is stored last and cleared first, so a reader that sees it sees the rest.
struct StubTable::Slot {
  std::atomic<std::uintptr_t> key{empty};
  std::atomic<std::uintptr_t> original_pc{0};
  std::atomic<const CodeObject *> code{nullptr};
  std::atomic<const void *> handle{nullptr};
  std::atomic<const StubCode *> stub{nullptr};
  std::atomic<std::uintptr_t> begin{0}, end{0}; ///< as in `stub`, which may be gone when another stub is looked for

  void store(std::uintptr_t stub_pc, const StubEntry &entry) {
    original_pc.store(entry.original_pc, std::memory_order_relaxed);
    code.store(entry.code, std::memory_order_relaxed);
    handle.store(entry.handle, std::memory_order_relaxed);
    stub.store(entry.stub, std::memory_order_relaxed);
    begin.store(entry.stub ? entry.stub->begin : 0, std::memory_order_relaxed);
    end.store(entry.stub ? entry.stub->end : 0, std::memory_order_relaxed);
    key.store(stub_pc, std::memory_order_release);
  }
  StubEntry load() const {
    return {original_pc.load(std::memory_order_relaxed), code.load(std::memory_order_relaxed),
            handle.load(std::memory_order_relaxed), stub.load(std::memory_order_relaxed)};
  }
  bool is_around(std::uintptr_t pc) const {
    return begin.load(std::memory_order_relaxed) <= pc && pc < end.load(std::memory_order_relaxed);
  }
};

struct StubTable::Slots {
  explicit Slots(std::size_t capacity) : mask(capacity - 1), slots(new Slot[capacity]) {}
  std::size_t mask;
  std::unique_ptr<Slot[]> slots;

  std::size_t start(std::uintptr_t stub_pc) const { return (stub_pc * 0x9e3779b97f4a7c15u >> 32) & mask; }
};

StubTable::StubTable() {
  all_.push_back(std::make_unique<Slots>(first_capacity));
  slots_.store(all_.back().get(), std::memory_order_release);
}
StubTable::~StubTable() = default;

/// The slot with this key, or the one to put it into: the first tombstone on its way, else the empty one.
StubTable::Slot *StubTable::slot_for(Slots &slots, std::uintptr_t stub_pc) const {
  Slot *free_slot = nullptr;
  for (std::size_t i = slots.start(stub_pc);; i = (i + 1) & slots.mask) {
    Slot &slot = slots.slots[i];
    const std::uintptr_t key = slot.key.load(std::memory_order_relaxed);
    if (key == stub_pc)
      return &slot;
    if (key == tombstone && !free_slot)
      free_slot = &slot;
    if (key == empty)
      return free_slot ? free_slot : &slot;
  }
}

void StubTable::add(std::uintptr_t stub_pc, const StubEntry &entry) {
  Lock lock(mutex_);
  OSR_CHECK(stub_pc > tombstone, "stub at {:#x}: not an address of code", stub_pc);
  OSR_CHECK(entry.original_pc != stub_pc, "stub at {:#x} stands for itself", stub_pc);
  if ((used_ + 1) * 2 > all_.back()->mask + 1)
    grow();
  Slot *slot = slot_for(*all_.back(), stub_pc);
  const std::uintptr_t key = slot->key.load(std::memory_order_relaxed);
  OSR_CHECK(key != stub_pc, "stub at {:#x} is in the table already, for {:#x}", stub_pc,
            slot->original_pc.load(std::memory_order_relaxed));
  slot->store(stub_pc, entry);
  ++live_;
  used_ += key == empty;
}

void StubTable::remove(std::uintptr_t stub_pc) {
  Lock lock(mutex_);
  Slots &slots = *all_.back();
  Slot *slot = slot_for(slots, stub_pc);
  OSR_CHECK(slot->key.load(std::memory_order_relaxed) == stub_pc, "stub at {:#x} is not in the table", stub_pc);
  slot->key.store(tombstone, std::memory_order_release);
  --live_;
  Removals::add();
  // Tombstones at the end of a run are not on the way to anything: make them empty again, back to front.
  std::size_t i = std::size_t(slot - slots.slots.get());
  if (slots.slots[(i + 1) & slots.mask].key.load(std::memory_order_relaxed) != empty)
    return;
  for (; slots.slots[i].key.load(std::memory_order_relaxed) == tombstone; i = (i - 1) & slots.mask) {
    slots.slots[i].key.store(empty, std::memory_order_release);
    --used_;
  }
}

void StubTable::grow() {
  Slots &old = *all_.back();
  const std::size_t capacity = live_ * 4 > old.mask + 1 ? (old.mask + 1) * 2 : old.mask + 1;
  auto fresh = std::make_unique<Slots>(capacity);
  for (std::size_t i = 0; i <= old.mask; ++i) {
    const std::uintptr_t key = old.slots[i].key.load(std::memory_order_relaxed);
    if (key > tombstone)
      slot_for(*fresh, key)->store(key, old.slots[i].load());
  }
  used_ = live_;
  all_.push_back(std::move(fresh));
  slots_.store(all_.back().get(), std::memory_order_release);
}

std::optional<StubEntry> StubTable::find(std::uintptr_t stub_pc) const {
  if (stub_pc <= tombstone)
    return std::nullopt;
  const Slots &slots = *slots_.load(std::memory_order_acquire);
  for (std::size_t i = slots.start(stub_pc);; i = (i + 1) & slots.mask) {
    const std::uintptr_t key = slots.slots[i].key.load(std::memory_order_acquire);
    if (key == stub_pc)
      return slots.slots[i].load();
    if (key == empty)
      return std::nullopt;
  }
}

std::optional<StubSite> StubTable::stub_site(std::uintptr_t pc) const {
  const std::optional<StubEntry> entry = find(pc);
  return entry ? std::optional(StubSite{entry->original_pc, entry->code}) : std::nullopt;
}

/// A slot may be given to another stub while it is read. Then its key changes: one that is the same afterwards belongs to
/// what was read, if that is the stub around `pc`, which nobody removes.
std::optional<InterruptedStub> StubTable::stub_around(std::uintptr_t pc) const {
  const Slots &slots = *slots_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i <= slots.mask; ++i) {
    const Slot &slot = slots.slots[i];
    const std::uintptr_t key = slot.key.load(std::memory_order_acquire);
    if (key <= tombstone || !slot.is_around(pc))
      continue;
    const StubEntry entry = slot.load();
    std::atomic_thread_fence(std::memory_order_acquire);
    if (slot.key.load(std::memory_order_relaxed) == key && entry.stub)
      return InterruptedStub{key, {entry.original_pc, entry.code}, entry.stub};
  }
  return std::nullopt;
}

std::size_t StubTable::size() const {
  Lock lock(mutex_);
  return live_;
}

void StubTable::free_outgrown() {
  Lock lock(mutex_);
  all_.erase(all_.begin(), all_.end() - 1);
}

} // namespace osr
