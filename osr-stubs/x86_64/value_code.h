// Instruction sequences for single values: load, compute, store. The emitter decides the order.
#pragma once

#include "osr-stubs/move_schedule.h"

#include <asmjit/x86.h>

#include <cstdint>
#include <span>

namespace osr {

/// Which registers a stub may use, by role. Result registers (rax, rdx, rcx, vector 0-3) and rsp have none.
namespace stub_registers {
inline constexpr asmjit::x86::Gp buffer = asmjit::x86::rdi;    ///< state buffer; a holder when there is none
inline constexpr asmjit::x86::Gp value = asmjit::x86::rsi;     ///< value between a load and its store
inline constexpr asmjit::x86::Gp immediate = asmjit::x86::r11; ///< wide immediates; the jump
inline constexpr std::uint32_t vector_value = 4;               ///< number of the vector register for wide values
inline constexpr std::uint32_t first_vector_holder = 5;
inline constexpr std::uint32_t vector_holders = 16 - first_vector_holder;
inline constexpr std::uint32_t general_holders = 3; ///< r8, r9, r10; rdi is a fourth one without a state buffer
asmjit::x86::Gp general_holder(std::uint32_t index);
asmjit::x86::Gp saved(SavedRegister reg);
} // namespace stub_registers

class ValueCode {
public:
  explicit ValueCode(asmjit::x86::Assembler &assembler) : a_(assembler) {}

  /// A memory operand's first `size` bytes, zero-extended to 64 bits. Any size from 1 to 8.
  void load(const asmjit::x86::Gp &to, const asmjit::x86::Mem &from, std::uint32_t size);
  /// The same from a register.
  void load(const asmjit::x86::Gp &to, const asmjit::x86::Gp &from, std::uint32_t size);
  void load_constant(const asmjit::x86::Gp &to, std::uint64_t constant);

  /// As load, then the recipe; a first step that extends becomes part of the load.
  template <typename Operand>
  void load_with_recipe(const asmjit::x86::Gp &to, const Operand &from, std::uint32_t size,
                        std::span<const RecipeStep> recipe);
  void apply(const asmjit::x86::Gp &value, std::span<const RecipeStep> recipe);

  /// The low `size` bytes of `from`. Sizes that are no power of two destroy `from`.
  void store(const asmjit::x86::Mem &to, const asmjit::x86::Gp &from, std::uint32_t size);
  /// Only for what has_immediate_store says.
  void store_constant(const asmjit::x86::Mem &to, std::uint64_t constant, std::uint32_t size);
  static bool has_immediate_store(std::uint64_t constant, std::uint32_t size);

  /// Whole vector registers by number, 16, 32 or 64 bytes, unaligned.
  void load_vector(std::uint32_t to, const asmjit::x86::Mem &from, std::uint32_t size);
  void store_vector(const asmjit::x86::Mem &to, std::uint32_t from, std::uint32_t size);
  void vector_from_general(std::uint32_t to, const asmjit::x86::Gp &from);
  void general_from_vector(const asmjit::x86::Gp &to, std::uint32_t from);

private:
  void apply_step(const asmjit::x86::Gp &value, const RecipeStep &step);
  void multiply(const asmjit::x86::Gp &value, std::int64_t factor);
  void mask(const asmjit::x86::Gp &value, std::uint64_t bits);
  void extend(const asmjit::x86::Gp &value, std::int64_t bits, bool with_sign);

  asmjit::x86::Assembler &a_;
};

} // namespace osr
