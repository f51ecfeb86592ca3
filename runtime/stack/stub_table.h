// Return stubs by entry pc: which original PC a stub stands for. Read by every walk, for every frame.
#pragma once

#include "compiler/base/mutex.h"
#include "runtime/stack/code_lookup.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace osr {

/// What is known about one stub.
struct StubEntry {
  std::uintptr_t original_pc = 0;
  const CodeObject *code = nullptr; ///< the code that original_pc is in, or was in before it was freed
  const void *handle = nullptr;     ///< whatever the owner of the stubs wants to find again
  const StubCode *stub = nullptr;   ///< null: walks cannot begin in it
};

/// Open-addressing hash table from stub entry pc to StubEntry. find() is O(1), lock-free, async-signal-safe and works
/// while a writer is stopped in the middle of a change. add() and remove() take a lock among themselves.
///
/// A stub may only be removed once no return-PC slot holds its address.
class StubTable final : public StubLookup {
public:
  StubTable();
  ~StubTable();
  StubTable(const StubTable &) = delete;
  StubTable &operator=(const StubTable &) = delete;

  void add(std::uintptr_t stub_pc, const StubEntry &entry);
  void remove(std::uintptr_t stub_pc);

  std::optional<StubEntry> find(std::uintptr_t stub_pc) const;
  std::optional<StubSite> stub_site(std::uintptr_t pc) const override;
  /// The pc is that of a thread of this process, so the stub that it is in stays.
  std::optional<InterruptedStub> stub_around(std::uintptr_t pc) const override;

  std::size_t size() const;
  /// Frees tables that were outgrown. Call it when no find() can be running, for example inside a handshake's owner
  /// after all threads have gone on. Until then they stay, so that a reader never touches freed memory.
  void free_outgrown();

private:
  struct Slot;
  struct Slots;
  Slot *slot_for(Slots &slots, std::uintptr_t stub_pc) const;
  void grow() OSR_REQUIRES(mutex_);

  mutable Mutex mutex_; ///< writers only
  std::atomic<Slots *> slots_;
  std::vector<std::unique_ptr<Slots>> all_ OSR_GUARDED_BY(mutex_); ///< the last one is current
  std::size_t live_ OSR_GUARDED_BY(mutex_) = 0, used_ OSR_GUARDED_BY(mutex_) = 0; ///< used counts tombstones too
};

} // namespace osr
