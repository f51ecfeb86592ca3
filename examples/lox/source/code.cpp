#include "code.h"

namespace lox {
namespace {

std::size_t operand_bytes(const char *operands) {
  std::size_t bytes = 0;
  for (; *operands; ++operands)
    bytes += *operands == 's' || *operands == 'u' || *operands == 'n' ? 1 : 2;
  return bytes;
}

} // namespace

std::size_t length_of(const Code &code, std::size_t offset) {
  static const std::size_t lengths[] = {
#define LOX_OP(name, operands) 1 + operand_bytes(operands),
      LOX_OPS(LOX_OP)
#undef LOX_OP
  };
  const std::uint8_t op = code.bytes[offset];
  std::size_t length = lengths[op];
  if (Op(op) == Op::Closure)
    length += 2 * std::size_t(code.functions[code.two_bytes(offset + 1)]->upvalue_count);
  return length;
}

std::string described(const Code &code) { return code.kind == CodeKind::Script ? "script" : code.name->text + "()"; }

} // namespace lox
