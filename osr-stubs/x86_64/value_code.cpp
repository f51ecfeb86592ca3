#include "osr-stubs/x86_64/value_code.h"

#include "compiler/base/check.h"
#include "osr-stubs/machine.h"

#include <bit>

namespace osr {

using asmjit::Imm;
using asmjit::x86::Gp;
using asmjit::x86::Mem;

namespace x86 = asmjit::x86;

namespace {

bool fits_signed_32(std::uint64_t value) { return std::int64_t(value) == std::int32_t(value); }
bool fits_unsigned_32(std::uint64_t value) { return value == std::uint32_t(value); }

Mem sized(const Mem &memory, std::uint32_t size) {
  Mem result = memory;
  result.setSize(size);
  return result;
}

Gp sized(const Gp &reg, std::uint32_t size) {
  switch (size) {
  case 1: return reg.r8();
  case 2: return reg.r16();
  case 4: return reg.r32();
  default: return reg.r64();
  }
}

x86::Vec vector_register(std::uint32_t index, std::uint32_t size) {
  if (size == 64)
    return x86::zmm(index);
  if (size == 32)
    return x86::ymm(index);
  return x86::xmm(index);
}

/// VEX forms where the machine has them: mixing both kinds costs time when upper halves are in use.
bool use_vex() { return vector_register_bytes() >= 32; }

} // namespace

Gp stub_registers::general_holder(std::uint32_t index) {
  constexpr Gp registers[] = {x86::r8, x86::r9, x86::r10, x86::rdi};
  return registers[index];
}

Gp stub_registers::saved(SavedRegister reg) {
  constexpr Gp registers[] = {x86::rbx, x86::rbp, x86::r12, x86::r13, x86::r14, x86::r15};
  return registers[unsigned(reg)];
}

void ValueCode::load(const Gp &to, const Mem &from, std::uint32_t size) {
  switch (size) {
  case 1:
  case 2: a_.movzx(to.r32(), sized(from, size)); return;
  case 4: a_.mov(to.r32(), sized(from, 4)); return;
  case 8: a_.mov(to, sized(from, 8)); return;
  case 3:
    // Reading a few bytes too many is harmless: they are stack memory above the value.
    a_.mov(to.r32(), sized(from, 4));
    break;
  default: a_.mov(to, sized(from, 8)); break;
  }
  extend(to, 8 * size, false);
}

void ValueCode::load(const Gp &to, const Gp &from, std::uint32_t size) {
  switch (size) {
  case 1:
  case 2: a_.movzx(to.r32(), sized(from, size)); return;
  case 4: a_.mov(to.r32(), from.r32()); return;
  case 8:
    if (to != from)
      a_.mov(to, from);
    return;
  default:
    if (to != from)
      a_.mov(to, from);
    extend(to, 8 * size, false);
    return;
  }
}

void ValueCode::load_constant(const Gp &to, std::uint64_t constant) {
  if (constant == 0)
    a_.xor_(to.r32(), to.r32());
  else if (fits_unsigned_32(constant))
    a_.mov(to.r32(), Imm(std::uint32_t(constant)));
  else
    a_.mov(to, Imm(constant));
}

template <typename Operand>
void ValueCode::load_with_recipe(const Gp &to, const Operand &from, std::uint32_t size,
                                 std::span<const RecipeStep> recipe) {
  const auto extends_from = [&](std::uint32_t bytes) {
    return !recipe.empty() && bytes <= size && recipe.front().operand == 8 * std::int64_t(bytes);
  };
  const bool with_sign = !recipe.empty() && recipe.front().kind == RecipeStep::Kind::SignExtend;
  const bool without_sign = !recipe.empty() && recipe.front().kind == RecipeStep::Kind::ZeroExtend;
  for (const std::uint32_t bytes : {1u, 2u, 4u}) {
    if (!extends_from(bytes) || !(with_sign || without_sign))
      continue;
    if (without_sign)
      load(to, from, bytes);
    else if (bytes == 4)
      a_.movsxd(to, sized(from, 4));
    else
      a_.movsx(to, sized(from, bytes));
    apply(to, recipe.subspan(1));
    return;
  }
  load(to, from, size);
  apply(to, recipe);
}

template void ValueCode::load_with_recipe(const Gp &, const Mem &, std::uint32_t, std::span<const RecipeStep>);
template void ValueCode::load_with_recipe(const Gp &, const Gp &, std::uint32_t, std::span<const RecipeStep>);

void ValueCode::apply(const Gp &value, std::span<const RecipeStep> recipe) {
  for (const RecipeStep &step : recipe)
    apply_step(value, step);
}

void ValueCode::apply_step(const Gp &value, const RecipeStep &step) {
  switch (step.kind) {
  case RecipeStep::Kind::Add:
    if (fits_signed_32(step.operand)) {
      a_.add(value, Imm(step.operand));
      return;
    }
    load_constant(stub_registers::immediate, step.operand);
    a_.add(value, stub_registers::immediate);
    return;
  case RecipeStep::Kind::Multiply: multiply(value, step.operand); return;
  case RecipeStep::Kind::ShiftLeft: a_.shl(value, Imm(step.operand)); return;
  case RecipeStep::Kind::And: mask(value, step.operand); return;
  case RecipeStep::Kind::ZeroExtend: extend(value, step.operand, false); return;
  case RecipeStep::Kind::SignExtend: extend(value, step.operand, true); return;
  }
}

void ValueCode::multiply(const Gp &value, std::int64_t factor) {
  if (std::has_single_bit(std::uint64_t(factor))) {
    a_.shl(value, Imm(std::countr_zero(std::uint64_t(factor))));
  } else if (fits_signed_32(factor)) {
    a_.imul(value, value, Imm(factor));
  } else {
    load_constant(stub_registers::immediate, factor);
    a_.imul(value, stub_registers::immediate);
  }
}

void ValueCode::mask(const Gp &value, std::uint64_t bits) {
  if (fits_unsigned_32(bits)) {
    a_.and_(value.r32(), Imm(std::uint32_t(bits)));
  } else if (fits_signed_32(bits)) {
    a_.and_(value, Imm(std::int64_t(bits)));
  } else {
    load_constant(stub_registers::immediate, bits);
    a_.and_(value, stub_registers::immediate);
  }
}

void ValueCode::extend(const Gp &value, std::int64_t bits, bool with_sign) {
  if (bits == 64)
    return;
  if (bits == 8 || bits == 16) {
    const Gp low = sized(value, std::uint32_t(bits / 8));
    with_sign ? a_.movsx(value, low) : a_.movzx(value.r32(), low);
  } else if (bits == 32) {
    with_sign ? a_.movsxd(value, value.r32()) : a_.mov(value.r32(), value.r32());
  } else if (bits < 32 && !with_sign) {
    mask(value, (std::uint64_t(1) << bits) - 1);
  } else {
    a_.shl(value, Imm(64 - bits));
    with_sign ? a_.sar(value, Imm(64 - bits)) : a_.shr(value, Imm(64 - bits));
  }
}

void ValueCode::store(const Mem &to, const Gp &from, std::uint32_t size) {
  if (std::has_single_bit(size)) {
    a_.mov(sized(to, size), sized(from, size));
    return;
  }
  Mem place = to;
  for (std::uint32_t piece = 4, left = size; left != 0; piece /= 2) {
    if (left < piece)
      continue;
    a_.mov(sized(place, piece), sized(from, piece));
    place.addOffset(piece);
    left -= piece;
    if (left != 0)
      a_.shr(from, Imm(8 * piece));
  }
}

bool ValueCode::has_immediate_store(std::uint64_t constant, std::uint32_t size) {
  // A 16-bit immediate changes the instruction's length, which decoders are slow at.
  return size == 1 || size == 4 || (size == 8 && fits_signed_32(constant));
}

void ValueCode::store_constant(const Mem &to, std::uint64_t constant, std::uint32_t size) {
  OSR_CHECK(has_immediate_store(constant, size), "{:#x} in {} bytes", constant, size);
  const Imm immediate = size == 1   ? Imm(std::int8_t(constant))
                        : size == 4 ? Imm(std::int32_t(constant))
                                    : Imm(std::int64_t(constant));
  a_.mov(sized(to, size), immediate);
}

void ValueCode::load_vector(std::uint32_t to, const Mem &from, std::uint32_t size) {
  const x86::Vec reg = vector_register(to, size);
  use_vex() ? a_.emit(x86::Inst::kIdVmovups, reg, sized(from, size))
            : a_.emit(x86::Inst::kIdMovups, reg, sized(from, size));
}

void ValueCode::store_vector(const Mem &to, std::uint32_t from, std::uint32_t size) {
  const x86::Vec reg = vector_register(from, size);
  use_vex() ? a_.emit(x86::Inst::kIdVmovups, sized(to, size), reg)
            : a_.emit(x86::Inst::kIdMovups, sized(to, size), reg);
}

void ValueCode::vector_from_general(std::uint32_t to, const Gp &from) {
  use_vex() ? a_.emit(x86::Inst::kIdVmovq, x86::xmm(to), from) : a_.emit(x86::Inst::kIdMovq, x86::xmm(to), from);
}

void ValueCode::general_from_vector(const Gp &to, std::uint32_t from) {
  use_vex() ? a_.emit(x86::Inst::kIdVmovq, to, x86::xmm(from)) : a_.emit(x86::Inst::kIdMovq, to, x86::xmm(from));
}

} // namespace osr
