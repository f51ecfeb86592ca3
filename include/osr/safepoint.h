// What a collector of the host's finds on the stacks of the program.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace osr {

/// One place that holds a reference: a pointer of an address space that RuntimeOptions::reference_spaces names.
struct Root {
  void *&object;          ///< what an activation goes on with; may be changed if objects may move
  unsigned address_space;
};

struct SafepointOptions {
  /// Objects may move. Optimised code may hold addresses that nobody can change: activations of it go on in baseline code, and
  /// come back by the policy. False: roots may be read only, and all activations stay where they are.
  bool objects_move = true;
  std::chrono::milliseconds limit{1000}; ///< how long other threads may take to come to the safepoint
};

/// While Runtime::at_safepoint calls the host: all threads of the program wait in polls of compiled code, or are outside of
/// the program, or away (AwayFromProgram). Example, a collector that copies:
///
///     cantFail(runtime->at_safepoint([&](Safepoint &safepoint) {
///       safepoint.visit_roots([&](Root root) { root.object = heap.copy(root.object); });
///       heap.scan_copied();
///     }));
class Safepoint {
public:
  /// Calls `visit` with each root that is live in any activation, in any tier, once. Null pointers, and whatever else the
  /// program keeps in a reference, are among them. References that were computed from others, such as addresses of fields, are
  /// not: they are moved with their objects when this returns. May be called again.
  void visit_roots(llvm::function_ref<void(Root)> visit);

  /// For collectors that look at words instead: calls `visit` with each range [low, high) of memory that may hold what an activation
  /// goes on with, in whole words. These are stacks, from the newest frame on, with the host's frames on them, and copies of
  /// registers. Only of stacks with an activation of this runtime; a thread that is away may write to its newest frames meanwhile.
  /// Nothing may be changed there. It takes no references: options that name an address space of which there is no pointer will do.
  void visit_ranges(llvm::function_ref<void(const void *low, const void *high)> visit) const;

  /// Of all roots, and of those that are derived.
  std::size_t root_count() const { return roots_.size(); }
  std::size_t derived_count() const { return derived_.size(); }

private:
  friend class SafepointScan;
  struct Place {
    void **slot;
    unsigned address_space;
  };
  struct Derived {
    void **slot;
    void **base;
  };
  Safepoint() = default;

  std::vector<Place> roots_; ///< no slot twice
  std::vector<Derived> derived_;
  struct Range {
    std::uint64_t low, high;
  };
  std::vector<Range> ranges_; ///< of stacks
  using Registers = std::array<std::uint64_t, 8>; ///< those that functions save for their callers, and zeros
  std::vector<Registers> registers_;
};

} // namespace osr
