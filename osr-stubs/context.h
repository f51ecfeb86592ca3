// Changes of stacks by the C library's contexts (makecontext and its family).
#pragma once

#include "osr-stubs/call_on_stack.h"

#include <cstdint>
#include <ucontext.h>

extern "C" {
/// Calls swap(left, entered), of the type of swapcontext, and returns its result. `outside` is filled in before, as the caller of this
/// function sees the registers behind the call, and then put where `left_at` points to.
int osr_swap_context(int (*swap)(ucontext_t *, const ucontext_t *), ucontext_t *left, const ucontext_t *entered,
                     osr::OutsideRegisters *outside, const osr::OutsideRegisters **left_at);
/// What a context that was left by osr_swap_context goes on with.
extern const char osr_swap_context_return[];

/// Where a context that was made begins, with the function's arguments where its convention has them, and the registers of
/// arch::begin_context. Calls what ContextBeginning says around it, and returns to what the C library does at the end of a context.
void osr_begin_context();
/// What its function returns to.
extern const char osr_begin_context_return[];
}

namespace osr {

/// Around the function of a context; the second one does not return if another context is to go on.
struct ContextBeginning {
  void (*begins)(std::uint64_t cfa); ///< of the function's frame
  void (*ends)(const ucontext_t *next); ///< uc_link when the context was made
};
static_assert(offsetof(ContextBeginning, begins) == OSR_BEGINNING_BEGINS);
static_assert(offsetof(ContextBeginning, ends) == OSR_BEGINNING_ENDS);

} // namespace osr
