// Where control leaves code that rests on an assumption: the calls that stand there in canonical code.
//
//     guard(c) ["deopt"(state)]        br c, on, leave
//                                  leave: call void @osr-guard-failed(i32 reason)      a site like any other
//                                         r = the deoptimization continuation(state)   one of the two below
//                                         ret r
//
// In baseline code osr-guard-failed does nothing. Optimised code ends there: the runtime, which is the callee, sends the
// activation to the same site of baseline code. So whatever follows need not be compiled with the rest, and nothing that
// holds only there is in the way of what holds on the other path.
//
// The deoptimization continuation is a function that the bundle names (its first operand, if that has the attribute
// `continuation_attribute`), called with the other operands; or else the embedder's interpreter.
#pragma once

#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Module.h>

#include <cstdint>

namespace osr {

enum class ExitReason : std::uint32_t {
  Guard, ///< the condition of llvm.experimental.guard was false
  Deoptimize, ///< llvm.experimental.deoptimize was executed
  Branch, ///< a branch went where it had never gone
  Target, ///< a call by pointer was of another function than always before
};
const char *to_string(ExitReason reason);

/// `void osr-guard-failed(i32 reason)`; changes no memory of the program.
inline constexpr const char *guard_failed_callee = "osr-guard-failed";
bool is_guard_failed(const llvm::CallBase &call);
llvm::FunctionCallee declare_guard_failed(llvm::Module &module);

/// `{i64, i64} osr-deoptimize(ptr description, ...)`: hands the frame state to the embedder, as 64-bit words, and
/// returns the words of the function's result.
inline constexpr const char *deoptimize_callee = "osr-deoptimize";

/// Says that a function is what runs when a guard fails whose bundle begins with it.
inline constexpr const char *continuation_attribute = "osr-continuation";

/// What osr-deoptimize is told; constants of this layout are made in the program.
struct ExitValueDescription {
  const char *type; ///< LLVM type
  std::uint64_t words;
};
struct ExitDescription {
  const char *function;
  const char *result_type;
  const ExitValueDescription *values; ///< first what guard or deoptimize were called with, then the bundle's operands
  std::uint64_t arguments;
  std::uint64_t state;
};

} // namespace osr
