// The way from the host into a program: the oldest frame that a walk of the program's stack sees.
#pragma once

#include "osr-stubs/registers.h"
#include "osr-stubs/x86_64/stub_offsets.h"

#include <cstddef>
#include <cstdint>

namespace osr {

/// Where the program's part of a stack begins. A walk has reached the base when the activation it stands on has this
/// CFA; that activation's return PC is return_pc.
struct ProgramBase {
  std::uint64_t cfa = 0;       ///< CFA of the program's first activation
  std::uint64_t return_pc = 0; ///< what its return-PC slot (cfa - 8) holds
  std::uint64_t saved[saved_register_count]{}; ///< as osr_enter_program has them there: a walk may begin anew with that
};
static_assert(offsetof(ProgramBase, cfa) == OSR_BASE_CFA);
static_assert(offsetof(ProgramBase, return_pc) == OSR_BASE_RETURN_PC);
static_assert(offsetof(ProgramBase, saved) == OSR_BASE_SAVED);

} // namespace osr

extern "C" {
/// Calls the function at `pc` with up to three integer or pointer arguments (main's argc, argv, envp; or a thread
/// function's one argument) and returns what it leaves in rax. `base` is filled in before the call and must live as
/// long as somebody may walk. Exceptions of the program pass through to the caller.
std::uint64_t osr_enter_program(std::uint64_t pc, std::uint64_t first, std::uint64_t second, std::uint64_t third,
                                osr::ProgramBase *base);
}
