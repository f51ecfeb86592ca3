// The frames behind osr-stubs/stub_frame.h; their offsets are in stub_offsets.h.
#pragma once

#include "osr-stubs/x86_64/registers.h"
#include "osr-stubs/x86_64/stub_offsets.h"

#include <cstddef>
#include <cstdint>

namespace osr {

struct SaveArea {
  std::uint64_t cfa = 0;                               ///< CFA of the frame that is replaced
  std::uint64_t callee_saved[saved_register_count]{};  ///< in SavedRegister order; in and out
  std::uint64_t rax = 0;
  std::uint64_t rdx = 0;
  std::uint64_t rcx = 0;
  const std::uint8_t *extended = nullptr; ///< XSAVE (or FXSAVE) image of the vector and x87 registers
  std::uint64_t state_buffer = 0;         ///< out: rdi at the jump
  std::uint64_t final_sp = 0;             ///< out: rsp at the jump
  std::uint64_t target_pc = 0;            ///< out: where to jump
  std::uint64_t x87_pops = 0;             ///< out: how many values to pop from the x87 stack
  std::uint64_t padding = 0;
};
static_assert(offsetof(SaveArea, cfa) == OSR_SAVE_CFA);
static_assert(offsetof(SaveArea, callee_saved) == OSR_SAVE_CALLEE_SAVED);
static_assert(offsetof(SaveArea, rax) == OSR_SAVE_RAX);
static_assert(offsetof(SaveArea, rdx) == OSR_SAVE_RDX);
static_assert(offsetof(SaveArea, rcx) == OSR_SAVE_RCX);
static_assert(offsetof(SaveArea, extended) == OSR_SAVE_EXTENDED);
static_assert(offsetof(SaveArea, state_buffer) == OSR_SAVE_STATE_BUFFER);
static_assert(offsetof(SaveArea, final_sp) == OSR_SAVE_FINAL_SP);
static_assert(offsetof(SaveArea, target_pc) == OSR_SAVE_TARGET_PC);
static_assert(offsetof(SaveArea, x87_pops) == OSR_SAVE_X87_POPS);
static_assert(sizeof(SaveArea) == OSR_SAVE_SIZE && OSR_SAVE_SIZE % 16 == 0);

struct EntryHook;

struct EntryFrame {
  std::uint64_t rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11;
  std::uint64_t callee_saved[saved_register_count];  ///< in SavedRegister order
  std::uint64_t return_pc_slot;                      ///< address of the return PC of the function's caller
  EntryHook *hook;                                   ///< whose function it is, written on the way into the hook
  std::uint64_t function;                            ///< the function's id, written by its hook thunk
  std::uint64_t target;                              ///< where the hook will jump, from the moment that it is chosen
};
static_assert(offsetof(EntryFrame, rax) == OSR_ENTRY_GENERAL && offsetof(EntryFrame, r11) == OSR_ENTRY_GENERAL + 8 * 8);
static_assert(offsetof(EntryFrame, callee_saved) == OSR_ENTRY_CALLEE_SAVED);
static_assert(offsetof(EntryFrame, return_pc_slot) == OSR_ENTRY_RETURN_PC_SLOT);
static_assert(offsetof(EntryFrame, hook) == OSR_ENTRY_HOOK && offsetof(EntryFrame, function) == OSR_ENTRY_FUNCTION);
static_assert(offsetof(EntryFrame, target) == OSR_ENTRY_TARGET);
static_assert(OSR_ENTRY_SIZE - OSR_ENTRY_FUNCTION == 16 && // hook thunks write to rsp - 16,
              OSR_ENTRY_SIZE - OSR_ENTRY_HOOK == 24); // and the way from there to rsp - 24
/// Where they are in the hook's frame.
inline constexpr std::int32_t entry_target_cfa_offset = OSR_ENTRY_TARGET - OSR_ENTRY_SIZE - 8;
inline constexpr std::int32_t entry_hook_cfa_offset = OSR_ENTRY_HOOK - OSR_ENTRY_SIZE - 8;
static_assert(entry_target_cfa_offset == -16); // just below the return PC of the function that is entered
static_assert(sizeof(EntryFrame) == OSR_ENTRY_SIZE &&
              OSR_ENTRY_SIZE % 16 == 8); // the return PC above it makes it whole

} // namespace osr
