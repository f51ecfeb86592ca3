// What runtime/machine/instructions.h promises, where it has to be inlined.
#pragma once

#include <cstdint>

namespace osr {

inline constexpr int trap_byte = 0xcc; // int3
inline constexpr std::uint8_t jump_opcode = 0xe9;
inline constexpr std::uint64_t thunk_size = 16, hook_way_size = 32, choice_size = 40, linker_stub_size = 6;

/// Procedure linkage tables: lld writes no unwind information for them, other linkers a DWARF expression. By the
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

} // namespace osr
