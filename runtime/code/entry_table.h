// The stable address of every program function, and the one word that says which code runs when it is called.
//
//   caller ── call ──► entry thunk ── jmp *cell ──► code of the chosen tier
//                                         │
//                                         └───────► hook thunk ── jmp *way cell ──► way to the hook ── jmp *hook cell ──► hook
//
// The hook thunk leaves the function's id, and the way to the hook the context, below the return PC (write_entry_thunk and its
// like in runtime/machine/instructions.h).
//
// The hook is common assembly, which serves the tables of all runtimes: the context tells it whose function it is.
//
// In front of an entry thunk, in what the one before it leaves, stands the hash of the function's type, if the program was
// compiled with -fsanitize=kcfi: calls through pointers look for it there.
//
// The entry thunk's address is the function's address in the program: it never changes, so function pointers compare
// equal whatever code is installed. A cell that points to its hook thunk sends the call to the hook, which finds the
// function's id and the context below the return PC, and all registers and the stack as the caller left them: no register is free in all
// calling conventions. This is how a function is compiled at its first call. All of these keep rsp = CFA-8; they have the leaf unwind row.
#pragma once

#include "compiler/base/mutex.h"
#include "runtime/code/entry_id.h"
#include "runtime/code/slab_arena.h"
#include "runtime/machine/instructions.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace osr {

/// Grows in batches; entries are never freed before the table. Thread-safe: target(), entry_address() and the others
/// that take an id are lock-free. Ids must be below size() (OSR_CHECK). The arena must outlive the table.
class EntryTable {
public:
  static constexpr std::uint32_t batch_size = 256;
  static constexpr std::uint32_t max_functions = 1u << 20;

  static llvm::Expected<std::unique_ptr<EntryTable>> create(SlabArena &arena);
  ~EntryTable();
  EntryTable(const EntryTable &) = delete;
  EntryTable &operator=(const EntryTable &) = delete;

  /// Makes entries for the ids 0..count-1, those that do not exist yet with their hook thunk as target. Fails when the
  /// arena is full or `count` is over max_functions.
  llvm::Error reserve(std::uint32_t count);
  std::uint32_t size() const { return size_.load(std::memory_order_acquire); }

  /// The function's address, for the program.
  std::uint64_t entry_address(EntryId entry) const;
  /// A target for set_target: calls go to the hook.
  std::uint64_t hook_address(EntryId entry) const;

  /// What is to stand in front of the function's entry. To be set before the first call.
  void set_type_hash(EntryId entry, std::uint32_t hash);

  /// Redirects all calls to come: one atomic store with release order. Calls under way are not affected.
  void set_target(EntryId entry, std::uint64_t pc);
  std::uint64_t target(EntryId entry) const;

  /// Where all hook thunks lead, and the context. To be set before the first call through an entry.
  void set_hook(std::uint64_t pc, const void *context);
  const void *hook_context() const { return hook_context_; }

  /// The function whose entry thunk begins at `address`: turns a function pointer of the program into an id.
  std::optional<EntryId> find_entry(std::uint64_t address) const;
  /// True for a PC in any thunk, of either kind, and on the way to the hook.
  bool contains(std::uint64_t pc) const;

private:
  /// Room for a hash, batch_size entry thunks, batch_size hook thunks; the cells are data.
  struct Batch {
    CodeMemory thunks;
    SlabMemory cells;
  };

  EntryTable(SlabArena &arena, CodeMemory way, SlabMemory hook_cells);
  llvm::Expected<std::unique_ptr<Batch>> make_batch(std::uint32_t first) OSR_REQUIRES(mutex_);
  const Batch &batch_of(EntryId entry) const;
  static std::uint64_t first_thunk(const Batch &batch) { return batch.thunks.address + thunk_size; }
  std::atomic_ref<std::uint64_t> cell(EntryId entry) const;

  SlabArena &arena_;
  const void *hook_context_ = nullptr;
  CodeMemory way_; ///< to the hook
  SlabMemory hook_cells_; ///< address of the way, address of the hook
  Mutex mutex_; ///< of who makes entries; what is there is read without it, so counts and batches are atomic
  std::atomic<std::uint32_t> size_ = 0;
  std::atomic<std::uint32_t> batch_count_ = 0;
  std::unique_ptr<std::atomic<Batch *>[]> batches_;
};

} // namespace osr
