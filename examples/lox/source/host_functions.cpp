#include "host_functions.h"

#include "jit.h"
#include "operations.h"

namespace lox {
namespace {

Value unwind(const Code *code, std::uint32_t offset) {
  Machine::the().trace(*code, offset);
  return Value::error();
}

Value overflow() { return Machine::the().error("Stack overflow."); }

/// Compiled code is not made for what is there: the interpreter goes on with the instruction.
Value leave(Value *base, Code *code, std::uint32_t offset, std::uint32_t height) {
  Machine::the().jit->notice_exit(code);
  return resume(base, code, offset, height);
}

/// base[0] is a class with an initialiser and `arguments` follow: an instance takes its place.
void construct(Value *base, std::uint32_t arguments) {
  base[arguments + 1] = base[0];
  instantiate(base + arguments + 2);
  const Value type = base[0];
  base[0] = base[arguments + 1];
  base[arguments + 1] = as<Class>(type)->initializer;
}

bool equal(Value left, Value right) { return are_equal(left, right); }

} // namespace

std::vector<osr::HostSymbol> host_functions() {
  const auto symbol = [](const char *name, auto *function) {
    return osr::HostSymbol{name, reinterpret_cast<std::uint64_t>(function)};
  };
  return {
      symbol("lox.unwind", &unwind),
      symbol("lox.overflow", &overflow),
      symbol("lox.leave", &leave),
      symbol("lox.construct", &construct),
      symbol("lox.equal", &equal),
      symbol("lox.print", &print),
      symbol("lox.add", &add),
      symbol("lox.operand_error", &operand_error),
      symbol("lox.undefined_variable", &undefined_variable),
      symbol("lox.make_closure", &make_closure),
      symbol("lox.close_upvalues", &close_upvalues),
      symbol("lox.make_class", &make_class),
      symbol("lox.inherit", &inherit),
      symbol("lox.add_method", &add_method),
      symbol("lox.get_field", &get_field),
      symbol("lox.set_field", &set_field),
      symbol("lox.get_super", &get_super),
      symbol("lox.call", &call),
      symbol("lox.invoke", &invoke),
      symbol("lox.super_invoke", &super_invoke),
  };
}

} // namespace lox
