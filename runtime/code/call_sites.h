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
/// code from the start. The parts it is given must outlive it.
class CallSites final : public LinkObserver {
public:
  CallSites(const EntryTable &entries, const CodePatcher &patcher) : entries_(entries), patcher_(patcher) {}

  llvm::Error on_link(const LinkedObject &object) override OSR_REQUIRES(engine_lock);
  void on_unload(const LinkedObject &object) override OSR_REQUIRES(engine_lock);

  /// From update() on, calls through `entry` go straight to `pc`. Before the code at a pc is freed, its function's calls
  /// must go elsewhere.
  void redirect(EntryId entry, std::uint64_t pc) OSR_REQUIRES(engine_lock);
  /// From update() on, calls through `entry` go through its entry.
  void release(EntryId entry) OSR_REQUIRES(engine_lock) { redirect(entry, entries_.entry_address(entry)); }

  bool has_pending() const OSR_REQUIRES(engine_lock) { return !pending_.empty(); }
  /// Rewrites the sites of all functions that were redirected. All other threads that may run code of the program must
  /// be stopped. Allocation-free.
  void update() noexcept OSR_REQUIRES(engine_lock);

  std::size_t size() const OSR_REQUIRES(engine_lock) { return size_; }
  /// Sites that lead to code, not to the entry.
  std::size_t bound() const OSR_REQUIRES(engine_lock);
  std::uint64_t rewritten() const OSR_REQUIRES(engine_lock) { return rewritten_; }

private:
  struct Callee {
    std::uint64_t target = 0; ///< where sites lead after the next update(); 0: the entry
    std::vector<std::uint64_t> sites; ///< addresses of displacements
    bool is_pending = false;
  };

  Callee &callee(EntryId entry) OSR_REQUIRES(engine_lock);

  const EntryTable &entries_;
  CodePatcher patcher_;
  std::vector<Callee> callees_ OSR_GUARDED_BY(engine_lock); ///< by entry
  std::vector<EntryId> pending_ OSR_GUARDED_BY(engine_lock);
  std::map<std::uint64_t, std::vector<EntryId>>
      objects_ OSR_GUARDED_BY(engine_lock); ///< by begin of code: whom an object calls
  std::size_t size_ OSR_GUARDED_BY(engine_lock) = 0;
  std::uint64_t rewritten_ OSR_GUARDED_BY(engine_lock) = 0;
};

} // namespace osr
