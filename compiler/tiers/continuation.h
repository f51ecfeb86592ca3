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
llvm::Function &make_continuation(llvm::Function &function, const Site &site);

} // namespace osr
