// How the C++ runtime's unwinder finds its way through compiled code.
//
// libgcc looks frame description entries (FDEs) up with _Unwind_Find_FDE. Registering each section with libgcc would
// make every throw of the process slower with every function compiled, behind a lock that a stopped thread may hold. So
// this library defines _Unwind_Find_FDE itself, in place of libgcc's: code of ours is looked up here, in constant time
// and without a lock, all else is passed on. In an executable that links this library statically its symbols come before those of
// libgcc_s.so. In a shared library, which hides them, the word is written by which libgcc_s.so calls it (reach_unwinder).
#pragma once

#include "runtime/code/code_registry.h"
#include "runtime/code/entry_table.h"
#include "runtime/stack/stub_table.h"

#include <llvm/Support/Error.h>

namespace osr {

/// From here on libgcc's unwinder finds its way through code of all runtimes. The error says why exceptions could not pass.
llvm::Error reach_unwinder();

/// Thread-safe, lock-free and allocation-free. The parts must outlive it.
class FdeFinder {
public:
  /// `addresses`: where all of the code is.
  FdeFinder(Extent addresses, const CodeRegistry &registry, const StubTable &stubs, const EntryTable &entries);
  ~FdeFinder();
  FdeFinder(const FdeFinder &) = delete;
  FdeFinder &operator=(const FdeFinder &) = delete;

  /// From now on unwinders find what this finds.
  void install();

  /// The FDE for the instruction at `pc`; address 0 if it is not in compiled code, in a return stub, or in what leads to either:
  /// nothing returns into thunks, but signals come there, and with them profilers and cancellations. What it names stays for as
  /// long as the code does.
  PlacedFde find(std::uint64_t pc) const noexcept;

  /// The same for code in a return stub, where only signals can have come.
  PlacedFde find_interrupted(std::uint64_t pc) const noexcept;

  /// How often a return stub was found.
  std::uint64_t stubs_found() const { return stubs_found_.load(std::memory_order_relaxed); }

private:
  bool is_leaf(std::uint64_t pc) const noexcept;

  Extent addresses_;
  const CodeRegistry &registry_;
  const StubTable &stubs_;
  const EntryTable &entries_;
  mutable std::atomic<std::uint64_t> stubs_found_ = 0;
};

} // namespace osr
