// Changes of stacks by the C library's contexts (makecontext and its family).
#pragma once

#include "osr-stubs/call_on_stack.h"

#include <cstdint>
#include <ucontext.h>

namespace osr {

struct ProgramThread;

/// The frame of osr_swapcontext. What is behind it belongs to who has called that.
struct SwapFrame {
  OutsideRegisters registers; ///< with which it goes on: of osr_swapcontext_return
  std::uint64_t token;        ///< as the context has it, until control is back
  const OutsideRegisters *before;
  ProgramThread *here;
  char *kept; ///< of the object stack, and its bytes
  std::uint64_t kept_bytes;
  ucontext_t *left;
  const ucontext_t *entered;
};
static_assert(offsetof(SwapFrame, registers) == 0);
static_assert(offsetof(SwapFrame, left) == OSR_SWAP_LEFT);
static_assert(offsetof(SwapFrame, entered) == OSR_SWAP_ENTERED);
static_assert(sizeof(SwapFrame) == OSR_SWAP_SIZE && (OSR_SWAP_SIZE + 8) % 16 == 0);

/// What this file's code calls.
struct ContextCalls {
  void (*leaves)(SwapFrame *frame); ///< control is about to go from `left` to `entered`
  int (*swap)(ucontext_t *left, const ucontext_t *entered); ///< the C library's
  void (*is_back)(SwapFrame *frame);
  void (*begins)(std::uint64_t cfa); ///< the function of a context that was made: of its frame
  void (*ends)(const ucontext_t *next); ///< it has returned; uc_link when the context was made. May not return
};
static_assert(offsetof(ContextCalls, leaves) == OSR_CONTEXT_LEAVES);
static_assert(offsetof(ContextCalls, swap) == OSR_CONTEXT_SWAP);
static_assert(offsetof(ContextCalls, is_back) == OSR_CONTEXT_IS_BACK);
static_assert(offsetof(ContextCalls, begins) == OSR_CONTEXT_BEGINS);
static_assert(offsetof(ContextCalls, ends) == OSR_CONTEXT_ENDS);

} // namespace osr

extern "C" {
/// Set before anything else of this file is used.
extern osr::ContextCalls osr_context_calls __attribute__((visibility("hidden")));

/// As the C library's. What it has saved goes on in it, with a SwapFrame on the stack.
int osr_swapcontext(ucontext_t *left, const ucontext_t *entered) noexcept;
extern const char osr_swapcontext_return[];

/// Where a context that was made begins, with the function's arguments where its convention has them, and the registers of
/// arch::begin_context. Returns to what the C library does at the end of a context.
void osr_begin_context();
/// What its function returns to.
extern const char osr_begin_context_return[];
}
