// The two ends of a test program's stack, in assembly: a caller that fills all callee-saved registers with known values
// and looks at them afterwards, and a callee that shows the stack to the test before it returns.
#pragma once

#include "test/unit/osr_calls_offsets.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace osr {

struct GuardedCall {
  std::uint64_t target = 0; ///< called as f(integers[0], integers[1], real, integers[2])
  std::array<std::uint64_t, 3> integers{};
  double real = 0;
  std::array<std::uint64_t, 6> before{}; ///< what rbx, rbp, r12..r15 hold at the call
  std::array<std::uint64_t, 6> after{}; ///< what they hold when it has returned
  std::uint64_t result = 0;
  std::uint64_t cfa = 0; ///< of the called function
  std::uint64_t return_pc = 0;
  std::uint64_t sp_after = 0;
};
static_assert(offsetof(GuardedCall, target) == GUARD_TARGET);
static_assert(offsetof(GuardedCall, integers) == GUARD_INTEGERS);
static_assert(offsetof(GuardedCall, real) == GUARD_REAL);
static_assert(offsetof(GuardedCall, before) == GUARD_BEFORE);
static_assert(offsetof(GuardedCall, after) == GUARD_AFTER);
static_assert(offsetof(GuardedCall, result) == GUARD_RESULT);
static_assert(offsetof(GuardedCall, cfa) == GUARD_CFA);
static_assert(offsetof(GuardedCall, return_pc) == GUARD_RETURN_PC);
static_assert(offsetof(GuardedCall, sp_after) == GUARD_SP_AFTER);

/// What osr_test_probe found when it was called. It lies directly below the return-PC slot.
struct ProbeFrame {
  std::array<std::uint64_t, 6> saved; ///< in the order of SavedRegister
  std::uint64_t return_pc; ///< the slot itself
};
static_assert(offsetof(ProbeFrame, return_pc) == PROBE_RETURN_PC_SLOT);

} // namespace osr

extern "C" {
void osr_test_guarded_call(osr::GuardedCall *guard);
/// `i64 ext(i64)` of the test programs: calls osr_test_probed and returns its result.
std::uint64_t osr_test_probe(std::uint64_t argument);
std::uint64_t osr_test_probed(osr::ProbeFrame *frame, std::uint64_t argument);
/// Not a correct function: comes back with one callee-saved register inverted.
std::uint64_t osr_test_break_register(std::uint64_t index);
}
