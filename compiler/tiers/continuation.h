// Continuations: a canonical function cut at one of its sites.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <llvm/IR/Function.h>

#include <cstdint>
#include <vector>

namespace osr {

/// Where each value of a site's frame state lies in the state buffer that a return stub fills for a continuation.
///
///     +0                  values of the frame state, each at its alignment (at most 16)
///     +result_area_offset the return registers as they were when the callee returned (osr-stubs/result_area.h)
///     +size               multiple of 16
struct StateBufferLayout {
  std::vector<std::uint32_t> offsets; ///< parallel to Site::state
  std::uint32_t result_area_offset = 0;
  std::uint32_t size = 0;
};

StateBufferLayout state_buffer_layout(const Site &site);

/// Turns `function`, a fresh clone of a canonical function, into its continuation at `site`:
/// `R f@k(ptr state)`, which loads the frame state, lets an assembly pad reload the return registers as the result of
/// an ordinary call, pops the state buffer from the object stack and goes on behind the call. Returns the new function,
/// which takes over the name; `function` is erased.
///
/// The loads are volatile and precede the pop, for a signal handler may reuse the buffer's memory after it.
///
/// What does so stands beside the call at first, where it is never executed. begin_at_entry() lets the function begin there:
///
///     before:  ...                                       entry:   load, reload, pop
///              br begins, %entry, %call                           br %behind
///     entry:   load, reload, pop         begin_at_entry  behind:  ...
///              br %behind                      ->                 (call where a loop leads back to it)
///     call:    call
///     behind:  ...
llvm::Function &make_continuation(llvm::Function &function, const Site &site);

enum class LoopsAround {
  Peel, ///< so that the entry leads into none of them (peel_loops.h); leaves nodes of metadata in the context
  Keep,
};

/// The second half. No optimisation may come between the two.
void begin_at_entry(llvm::Function &continuation, LoopsAround loops);

} // namespace osr
