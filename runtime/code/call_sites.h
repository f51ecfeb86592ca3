// Direct calls: branches of compiled code that lead straight to the current code of the function they call.
//
//   slot     caller ── call entry ──► jmp *cell ──► code          redirect: one store into the cell
//   direct   caller ── call code ───────────────────► code          redirect: each site's displacement is rewritten
//
// A site is a `call`, `jmp` or conditional jump with a 32-bit displacement whose target, as compiled, is a function's
// entry; the linker's edges say where they are, so the compiler emits plain calls in both cases. Addresses that are
// taken keep meaning the entry: function pointers compare equal. Until a function has code its sites lead to the entry,
// which leads to the hook.
#pragma once

#include "runtime/code/code_patcher.h"
#include "runtime/code/code_session.h"
#include "runtime/code/entry_table.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace osr {

/// Hears of every object that is linked or unloaded, and so knows all sites; sites of a new object lead to the current
/// code from the start. Not thread-safe: the runtime's lock is held. The parts it is given must outlive it.
class CallSites final : public LinkObserver {
public:
  CallSites(const EntryTable &entries, const CodePatcher &patcher) : entries_(entries), patcher_(patcher) {}

  llvm::Error on_link(const LinkedObject &object) override;
  void on_unload(const LinkedObject &object) override;

  /// From update() on, calls through `entry` go straight to `pc`. Before the code at a pc is freed, its function's calls
  /// must go elsewhere.
  void redirect(EntryId entry, std::uint64_t pc);
  /// From update() on, calls through `entry` go through its entry.
  void release(EntryId entry) { redirect(entry, entries_.entry_address(entry)); }

  bool has_pending() const { return !pending_.empty(); }
  /// Rewrites the sites of all functions that were redirected. All other threads that may run code of the program must
  /// be stopped. Allocation-free.
  void update() noexcept;

  std::size_t size() const { return size_; }
  /// Sites that lead to code, not to the entry.
  std::size_t bound() const;
  std::uint64_t rewritten() const { return rewritten_; }

private:
  struct Callee {
    std::uint64_t target = 0; ///< where sites lead after the next update(); 0: the entry
    std::vector<std::uint64_t> sites; ///< addresses of displacements
    bool is_pending = false;
  };

  Callee &callee(EntryId entry);

  const EntryTable &entries_;
  CodePatcher patcher_;
  std::vector<Callee> callees_; ///< by entry
  std::vector<EntryId> pending_;
  std::map<std::uint64_t, std::vector<EntryId>> objects_; ///< by begin of code: whom an object calls
  std::size_t size_ = 0;
  std::uint64_t rewritten_ = 0;
};

} // namespace osr
