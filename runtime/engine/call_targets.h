// Where the calls of each function go: which body it has, and which code a call enters.
#pragma once

#include "runtime/code/entry_table.h"
#include "runtime/engine/bodies.h"
#include "runtime/engine/direct_calls.h"
#include "runtime/engine/version_store.h"

#include <llvm/Support/Error.h>

#include <array>
#include <atomic>
#include <memory>

namespace osr {

/// The parts must outlive it.
class CallTargets {
public:
  /// What a call costs to be seen by who acts at calls.
  enum class Calls : std::uint8_t {
    EnterCode,      ///< they go straight to the code
    PassTheHook, ///< each is seen by the entry hook
  };

  /// `direct` may be null: all calls go through entries.
  CallTargets(EntryTable &entries, DirectCalls *direct, Calls calls)
      : entries_(entries), direct_(direct), calls_(calls) {}

  /// This function exists from now on, or again, with this body and without code.
  void begin(EntryId entry, FunctionId body) OSR_REQUIRES(engine_lock);

  /// Where calls of a function go; 0: the next one compiles it. Lock-free.
  std::uint64_t of(EntryId entry) const { return word(entry).load(); }
  /// True if calls enter this version.
  bool enter(const Version &version) const OSR_REQUIRES(engine_lock) {
    return of(bodies_.entry_of(version.object.function)) == version.object.entry_pc;
  }
  /// Calls to come go there, those through entries at once; direct calls follow in the next stop of the threads, or by
  /// bind().
  void set(EntryId entry, std::uint64_t pc) OSR_REQUIRES(engine_lock);

  const Bodies &bodies() const OSR_REQUIRES(engine_lock) { return bodies_; }
  Bodies &bodies() OSR_REQUIRES(engine_lock) { return bodies_; }

  /// Of direct calls; null: there are none.
  CallSites *sites() { return direct_ ? &direct_->sites() : nullptr; }
  const DirectCalls *direct() const { return direct_; }
  /// Calls go where set() said when this returns, also those whose sites have to be rewritten for that. The error says
  /// why the threads could not be stopped.
  llvm::Error bind(Handshake &handshake) OSR_REQUIRES(engine_lock) {
    return direct_ ? direct_->bind(handshake) : llvm::Error::success();
  }
  /// See DirectCalls::bind_if_alone.
  void bind_if_alone(Handshake &handshake) OSR_REQUIRES(engine_lock) {
    if (direct_)
      direct_->bind_if_alone(handshake);
  }

private:
  static constexpr std::uint32_t chunk_size = 4096;
  using Chunk = std::array<std::atomic<std::uint64_t>, chunk_size>;
  std::atomic<std::uint64_t> &word(EntryId entry) const {
    return (*chunks_[index_of(entry) / chunk_size])[index_of(entry) % chunk_size];
  }

  EntryTable &entries_;
  DirectCalls *direct_;
  Bodies bodies_ OSR_GUARDED_BY(engine_lock);
  /// By entry. Who reads does so beside others who make room for more, and knows the entry because it is there.
  std::array<std::unique_ptr<Chunk>, EntryTable::max_functions / chunk_size> chunks_;
  Calls calls_;
};

} // namespace osr
