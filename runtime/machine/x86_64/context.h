// What runtime/machine/context.h promises.
#pragma once

#include "runtime/machine/register_set.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/ADT/bit.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <csetjmp>
#include <cstddef>
#include <cstring>
#include <ucontext.h>

namespace osr::arch {

inline RegisterSet from_context(const ucontext_t &context) {
  const auto &regs = context.uc_mcontext.gregs;
  const auto word = [&regs](int index) { return std::uintptr_t(regs[index]); };
  return {word(REG_RIP),
          word(REG_RSP),
          {word(REG_RBX), word(REG_RBP), word(REG_R12), word(REG_R13), word(REG_R14), word(REG_R15)}};
}

/// `mov $15, %rax; syscall`. The kernel has put the context of the interrupted code on the stack, at the rsp with which it is
/// entered.
inline bool is_signal_trampoline(std::uintptr_t pc) {
  constexpr unsigned char code[] = {0x48, 0xc7, 0xc0, 0x0f, 0x00, 0x00, 0x00, 0x0f, 0x05};
  constexpr std::size_t call_bytes = 2, move_bytes = sizeof code - call_bytes;
  const auto is_at = [&](std::uintptr_t at, const unsigned char *bytes, std::size_t size) {
    return std::memcmp(reinterpret_cast<const void *>(at), bytes, size) == 0;
  };
  // A signal may also come between the two.
  return is_at(pc, code, sizeof code) ||
         (is_at(pc, code + move_bytes, call_bytes) && is_at(pc - move_bytes, code, sizeof code));
}

inline const ucontext_t &interrupted_context(std::uintptr_t trampoline_sp) {
  return *reinterpret_cast<const ucontext_t *>(trampoline_sp);
}

inline constexpr std::size_t smallest_context_bytes =
    sizeof(ucontext_t) - sizeof(ucontext_t::__fpregs_mem) - sizeof(ucontext_t::__ssp);

template <typename F> void for_each_general_word(const ucontext_t &context, F visit) {
  for (const greg_t value : context.uc_mcontext.gregs)
    visit(std::uintptr_t(value));
}

/// Of the call that saves a context.
struct ContextNote {
  std::uint64_t frame = 0; ///< of osr_swapcontext
  std::uint64_t token = 0; ///< which is in that frame until control is back
  std::uint64_t return_pc = 0; ///< into who has called it
};

inline void begin_context(ucontext_t &context, std::uintptr_t begin, std::uintptr_t function, std::uintptr_t next,
                          llvm::ArrayRef<std::uint64_t> arguments) {
  auto &regs = context.uc_mcontext.gregs;
  constexpr int order[] = {REG_RDI, REG_RSI, REG_RDX, REG_RCX, REG_R8, REG_R9};
  const std::size_t in_registers = std::min(arguments.size(), std::size(order));
  for (std::size_t i = 0; i < in_registers; ++i)
    regs[order[i]] = greg_t(arguments[i]);
  const llvm::ArrayRef<std::uint64_t> on_stack = arguments.drop_front(in_registers);
  const std::uint64_t returned_to = *reinterpret_cast<const std::uint64_t *>(regs[REG_RSP]);
  const std::uintptr_t sp = std::uintptr_t(regs[REG_RSP]) - llvm::alignTo(on_stack.size() * sizeof(std::uint64_t), 16);
  std::copy(on_stack.begin(), on_stack.end(), reinterpret_cast<std::uint64_t *>(sp) + 1);
  regs[REG_R14] = greg_t(returned_to);
  regs[REG_RSP] = greg_t(sp);
  regs[REG_RIP] = greg_t(begin);
  regs[REG_R12] = greg_t(function);
  regs[REG_R13] = greg_t(next);
}

inline void note(ucontext_t &context, const ContextNote &note) {
  auto &regs = context.uc_mcontext.gregs;
  regs[REG_ERR] = greg_t(note.frame);
  regs[REG_R10] = greg_t(note.token);
  regs[REG_R11] = greg_t(note.return_pc);
}
inline ContextNote noted(const ucontext_t &context) {
  const auto &regs = context.uc_mcontext.gregs;
  return {std::uint64_t(regs[REG_ERR]), std::uint64_t(regs[REG_R10]), std::uint64_t(regs[REG_R11])};
}
inline void go_on_behind_call(ucontext_t &context, std::uint64_t frame_bytes) {
  auto &regs = context.uc_mcontext.gregs;
  regs[REG_RIP] = regs[REG_R11];
  regs[REG_RSP] += greg_t(frame_bytes + sizeof(std::uint64_t));
}

/// glibc keeps it rotated, and mixed with a secret of the thread's control block (sysdeps/unix/sysv/linux/x86_64/pointer_guard.h).
inline std::uintptr_t landing_sp(const __jmp_buf_tag &place) {
  constexpr int kept_sp = 6, rotation = 17;
  std::uint64_t secret = 0;
  asm("mov %%fs:0x30, %0" : "=r"(secret));
  return llvm::rotr(std::uint64_t(place.__jmpbuf[kept_sp]), rotation) ^ secret;
}

// ThreadSanitizer must not see what the handler of the signal that stops threads does.
__attribute__((no_sanitize("thread"))) inline greg_t &call_word(ucontext_t &context) {
  return context.uc_mcontext.gregs[REG_RAX];
}
__attribute__((no_sanitize("thread"))) inline greg_t second_argument(const ucontext_t &context) {
  return context.uc_mcontext.gregs[REG_RSI];
}
__attribute__((no_sanitize("thread"))) inline greg_t &pc_word(ucontext_t &context) {
  return context.uc_mcontext.gregs[REG_RIP];
}

inline constexpr std::uint64_t system_call_size = 2;
__attribute__((no_sanitize("thread"))) inline bool is_system_call(const unsigned char *code) {
  return code[0] == 0x0f && code[1] == 0x05; // syscall
}

} // namespace osr::arch
