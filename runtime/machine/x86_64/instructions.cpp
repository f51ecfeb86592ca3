#include "runtime/machine/instructions.h"

#include <llvm/Support/Endian.h>

#include <cstring>

namespace osr {
namespace {

constexpr std::uint64_t jump_size = 6;

/// Writes `jmp *cell(%rip)`; the instruction will run at `address`.
void write_jump(char *at, std::uint64_t address, std::uint64_t cell) {
  at[0] = char(0xff);
  at[1] = char(0x25);
  llvm::support::endian::write32le(at + 2, std::uint32_t(cell - (address + jump_size)));
}

/// Writes `movq $value, -16(%rsp)` and returns its length.
std::uint64_t write_store_id(char *at, std::uint32_t value) {
  constexpr unsigned char store[] = {0x48, 0xc7, 0x44, 0x24, 0xf0};
  std::memcpy(at, store, sizeof store);
  llvm::support::endian::write32le(at + sizeof store, value);
  return sizeof store + sizeof(std::uint32_t);
}

/// Writes `movl $value, offset(%rsp)` and returns its length.
std::uint64_t write_store_half(char *at, std::int8_t offset, std::uint32_t value) {
  const unsigned char store[] = {0xc7, 0x44, 0x24, std::uint8_t(offset)};
  std::memcpy(at, store, sizeof store);
  llvm::support::endian::write32le(at + sizeof store, value);
  return sizeof store + sizeof value;
}

} // namespace

/// By the bytes in front of a displacement: e8 call, e9 jmp, 0f 8x conditional jump. Other instructions have the ModRM
/// byte of a PC-relative operand there, whose low three bits are 5 and whose top two are clear.
bool is_branch(llvm::ArrayRef<char> code, std::uint64_t displacement) {
  constexpr unsigned char call = 0xe8, jump = 0xe9, two_bytes = 0x0f, conditional_mask = 0xf0, conditional = 0x80;
  if (displacement == 0)
    return false;
  const auto last = static_cast<unsigned char>(code[displacement - 1]);
  if (last == call || last == jump)
    return true;
  return displacement >= 2 && (last & conditional_mask) == conditional &&
         static_cast<unsigned char>(code[displacement - 2]) == two_bytes;
}

bool make_direct(char *displacement) {
  constexpr unsigned char mov_load = 0x8b, lea = 0x8d, indirect = 0xff, call_through = 0x15;
  constexpr unsigned char address_size_prefix = 0x67, call = 0xe8;
  char *opcode = displacement - 2;
  const auto first = static_cast<unsigned char>(opcode[0]), second = static_cast<unsigned char>(opcode[1]);
  if (first == indirect && second == call_through) { // call *slot(%rip): the prefix keeps the length
    opcode[0] = char(address_size_prefix);
    opcode[1] = char(call);
    return true;
  }
  if (first != mov_load)
    return false;
  opcode[0] = char(lea);
  return true;
}

//   entry thunk (16 bytes)   ff 25 rel32            jmp *cell(%rip)
//   hook thunk  (16 bytes)   48 c7 44 24 f0 imm32   movq $function_id, -16(%rsp)
//                            ff 25 rel32            jmp *way_cell(%rip)
//   way to the hook          c7 44 24 e8 imm32      movl $context, -24(%rsp)         lower half
//                            c7 44 24 ec imm32      movl $context >> 32, -20(%rsp)
//                            ff 25 rel32            jmp *hook_cell(%rip)

void write_entry_thunk(char *at, std::uint64_t address, std::uint64_t cell) { write_jump(at, address, cell); }

void write_hook_thunk(char *at, std::uint64_t address, std::uint32_t function, std::uint64_t way_cell) {
  const std::uint64_t jump = write_store_id(at, function);
  write_jump(at + jump, address + jump, way_cell);
}

void write_hook_way(char *at, std::uint64_t address, const void *context, std::uint64_t hook_cell) {
  const auto word = reinterpret_cast<std::uint64_t>(context);
  std::uint64_t done = write_store_half(at, -24, std::uint32_t(word));
  done += write_store_half(at + done, -20, std::uint32_t(word >> 32));
  write_jump(at + done, address + done, hook_cell);
}

// 64 80 3c 25 disp32 00   cmpb $0, %fs:disp32
// 74 06                   je   clear
// ff 25 rel32             jmp  *if_set(%rip)
// ff 25 rel32             clear: jmp *if_clear(%rip)
void write_choice(char *at, std::int32_t offset, std::uint64_t if_set, std::uint64_t if_clear) {
  constexpr unsigned char code[] = {0x64, 0x80, 0x3c, 0x25, 0, 0, 0, 0, 0, 0x74, jump_size};
  constexpr std::size_t offset_place = 4, slots = choice_size - 2 * sizeof(std::uint64_t);
  std::memcpy(at, code, sizeof code);
  std::memcpy(at + offset_place, &offset, sizeof offset);
  write_jump(at + sizeof code, sizeof code, slots); // both count from `at`
  write_jump(at + sizeof code + jump_size, sizeof code + jump_size, slots + sizeof if_set);
  std::memcpy(at + slots, &if_set, sizeof if_set);
  std::memcpy(at + slots + sizeof if_set, &if_clear, sizeof if_clear);
}

/// ff 25 rel32: jmp *slot(%rip)
std::optional<std::uint64_t> slot_of_linker_stub(llvm::ArrayRef<std::uint8_t> stub, std::uint64_t address) {
  if (stub.size() != linker_stub_size || stub[0] != 0xff || stub[1] != 0x25)
    return std::nullopt;
  return address + stub.size() + std::uint64_t(std::int64_t(std::int32_t(llvm::support::endian::read32le(&stub[2]))));
}

} // namespace osr
