// Where one value is at a stack map's PC, as LLVM wrote it down. The smallest programs that produce each kind:
//
//   Register   a value LLVM kept in a register across the call:        %v = ...; call @f(); stackmap(id, 0, %v)
//   Direct     the address of a stack slot, register + offset:          %s = alloca; call @f(); stackmap(id, 0, %s)
//   Indirect   a value LLVM spilled, memory at register + offset:       as Register, with more values than registers
//   Constant   a value known at compile time:                           call @f(); stackmap(id, 0, i64 42)
//
// LLVM has a fifth kind on the wire (index into a table of 64-bit constants); the parser resolves it to Constant.
#pragma once

#include <cstdint>
#include <string>

namespace osr {

struct RawLocation {
  enum class Kind : std::uint8_t { Register, Direct, Indirect, Constant };
  Kind kind = Kind::Constant;
  std::uint16_t size = 0;           ///< bytes of the value; 8 for Direct and Constant
  std::uint16_t dwarf_register = 0; ///< Register: holds the value; Direct, Indirect: the base register
  std::int32_t offset = 0; ///< Register: LLVM's sub-register offset; Direct, Indirect: from the base register
  std::uint64_t constant = 0; ///< Constant only
  friend bool operator==(const RawLocation &, const RawLocation &) = default;
};

/// One line of stable text, such as `Indirect [r7-24] size 8`; registers are DWARF numbers.
std::string to_string(const RawLocation &location);

} // namespace osr
