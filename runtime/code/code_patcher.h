// Changes instructions of code that exists, while other threads are about to execute it.
//
// Processors may have fetched the old bytes already, and promise nothing about code that is rewritten under them, unless
// the executing side runs a serialising instruction between the change and the first execution (Intel SDM volume 3A,
// "Handling Self- and Cross-Modifying Code"; AMD manual volume 2, "Cross-Modifying Code"). The scheme is the one given
// there, with a handshake as its flag:
//  1. Every thread that may execute program code is stopped by a handshake. A thread is stopped by a signal, so its pc is
//     at an instruction's boundary: no instruction is half executed.
//  2. The bytes are written through the arena's writable view; the executable one is never writable.
//  3. sync_cores(): each core that runs a thread of this process, the caller's own too, executes a serialising
//     instruction before it returns to user mode; a thread that is not running now gets one when it is scheduled. So
//     nothing rests on how the kernel leaves a signal handler, which need not be serialising.
//  4. The threads go on.
// The third step also serves threads that are registered later, and the rule for writes through another address, which
// concerns the writing core itself.
#pragma once

#include "runtime/code/slab_arena.h"

#include <llvm/ADT/ArrayRef.h>

#include <cstdint>

namespace osr {

/// Cheap to copy; the arena must outlive it.
class CodePatcher {
public:
  explicit CodePatcher(SlabArena &arena) : arena_(&arena) {}

  /// Overwrites bytes of the code slab. Allocation-free. Either nobody can execute them yet, or the steps above are
  /// kept.
  void write(std::uint64_t address, llvm::ArrayRef<std::uint8_t> bytes) const noexcept;
  /// The displacement of a branch, so that it leads to `target`.
  void write_displacement(std::uint64_t address, std::uint64_t target) const noexcept;

  /// Step 3, once for all writes before it. Allocation-free.
  void synchronize() const noexcept;

private:
  SlabArena *arena_;
};

} // namespace osr
