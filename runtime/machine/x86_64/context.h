// What runtime/machine/context.h promises.
#pragma once

#include "runtime/machine/register_set.h"

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
