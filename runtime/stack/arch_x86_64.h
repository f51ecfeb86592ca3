// Everything the stack code knows about x86-64 Linux, in six items. A port to another machine replaces this file,
// osr-stubs/ and the DWARF register numbers in runtime/code/call_frame_info.h.
#pragma once

#include "runtime/code/unwind_rows.h"
#include "runtime/stack/frame_layout.h"
#include "runtime/stack/register_set.h"

#include <cstring>
#include <ucontext.h>

namespace osr::arch {

/// Any word of a stack, also one that AddressSanitizer keeps from ordinary code. The stack is that of a stopped thread,
/// which ThreadSanitizer does not know.
__attribute__((no_sanitize_address, no_sanitize("thread"))) inline std::uintptr_t load_word(std::uintptr_t address) {
  return __atomic_load_n(reinterpret_cast<const std::uintptr_t *>(address), __ATOMIC_RELAXED);
}

/// 1. The slot that holds the return PC into a frame: the callee's `call` pushed it just below the frame's sp.
inline std::uintptr_t return_pc_slot(std::uintptr_t sp) { return sp - word_size; }

/// 2. The CFA by a row. Garbage in, garbage out: check it before memory is read.
inline std::uintptr_t cfa(const RegisterSet &registers, const UnwindRow &row) {
  const std::uintptr_t base = row.base == CfaBase::StackPointer ? registers.sp : registers.saved[unsigned(row.base)];
  return base + std::uintptr_t(std::intptr_t(row.cfa_offset));
}

/// 3. One step out of a frame with a known, checked CFA: the registers of the next older frame.
inline void step(const RegisterSet &registers, const UnwindRow &row, std::uintptr_t cfa, RegisterSet &older) {
  older.pc = load_word(cfa + std::uintptr_t(std::intptr_t(return_pc_cfa_offset)));
  older.sp = cfa;
#pragma GCC unroll 6
  for (unsigned i = 0; i < saved_register_count; ++i)
    older.saved[i] =
        row.saved[i] != 0 ? load_word(cfa + std::uintptr_t(std::intptr_t(row.saved[i]))) : registers.saved[i];
}

/// 4. The registers of interrupted code.
inline RegisterSet from_context(const ucontext_t &context) {
  const auto &regs = context.uc_mcontext.gregs;
  const auto word = [&regs](int index) { return std::uintptr_t(regs[index]); };
  return {word(REG_RIP),
          word(REG_RSP),
          {word(REG_RBX), word(REG_RBP), word(REG_R12), word(REG_R13), word(REG_R14), word(REG_R15)}};
}
inline void to_context(const RegisterSet &registers, ucontext_t &context) {
  auto &regs = context.uc_mcontext.gregs;
  regs[REG_RIP] = greg_t(registers.pc);
  regs[REG_RSP] = greg_t(registers.sp);
  constexpr int order[saved_register_count] = {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15};
  for (unsigned i = 0; i < saved_register_count; ++i)
    regs[order[i]] = greg_t(registers.saved[i]);
}

/// 5. The signal trampoline to which a handler returns: `mov $15, %rax; syscall`. The kernel has put the context of
/// the interrupted code on the stack, at the rsp with which the trampoline is entered.
inline bool is_signal_trampoline(std::uintptr_t pc) {
  constexpr unsigned char code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
  return std::memcmp(reinterpret_cast<const void *>(pc), code, sizeof code) == 0;
}
inline const ucontext_t &interrupted_context(std::uintptr_t trampoline_sp) {
  return *reinterpret_cast<const ucontext_t *>(trampoline_sp);
}

/// 6. Procedure linkage tables: lld writes no unwind information for them, other linkers a DWARF expression. By the
/// instruction at an exact pc, the CFA's distance from rsp; 0 if the code there is no such table. Entries are 16 bytes
/// at multiples of 16, so nothing outside of the pc's own page is read.
///
///   entry: +0  jmp *slot(%rip)    ff 25 ....   rsp+8        first: +0  push link_map(%rip)   ff 35 ....   rsp+16
///          +6  push $index        68 ....      rsp+8               +6  jmp *resolver(%rip)   ff 25 ....   rsp+24
///          +11 jmp first          e9 ....      rsp+16
__attribute__((no_sanitize_address)) inline std::int32_t linkage_table_cfa_offset(std::uintptr_t pc) {
  const std::uintptr_t offset = pc % 16;
  const auto *code = reinterpret_cast<const unsigned char *>(pc - offset);
  if (code[0] != 0xff)
    return 0;
  if (code[1] == 0x25 && code[6] == 0x68 && code[11] == 0xe9)
    return offset == 0 || offset == 6 ? 8 : offset == 11 ? 16 : 0;
  if (code[1] == 0x35 && code[6] == 0xff && code[7] == 0x25)
    return offset == 0 ? 16 : offset == 6 ? 24 : 0;
  return 0;
}

} // namespace osr::arch
