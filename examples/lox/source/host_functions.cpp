#include "host_functions.h"

#include "jit.h"
#include "operations.h"

namespace lox {
namespace {

void unwind(const Code *code, std::uint32_t offset) { Machine::the().trace(*code, offset); }

Value overflow() { return Machine::the().error("Stack overflow."); }

/// Code of `root` is not made for what is there, which counts, or is outdated: the interpreter goes on with the instruction.
Value leave(Value *base, Code *code, std::uint32_t offset, std::uint32_t height, std::uint32_t counts, Code *root) {
  if (code == root && offset == 0) // arguments of another kind
    for (std::size_t slot = 0; slot < root->numbers.size(); ++slot)
      root->numbers[slot] = root->numbers[slot] && base[slot].is_number();
  if (counts)
    Machine::the().jit->notice_exit(root);
  return resume(base, code, offset, height);
}

// The slow ways of code of `root`.

void note(Code *root) {
  if (++root->misses >= Jit::most_misses)
    Machine::the().jit->notice_misses(root);
}

Value slow_add(Value *top, Cache *cache, Code *root) {
  note(root);
  return add(top, cache);
}

Value slow_get_field(Value *top, const Symbol *name, Cache *cache, Code *root) {
  note(root);
  return get_field(top, name, cache);
}

Value slow_set_field(Value *top, const Symbol *name, Cache *cache, Code *root) {
  note(root);
  return set_field(top, name, cache);
}

Value slow_call(Value *top, std::uint32_t arguments, Cache *cache, Code *root) {
  note(root);
  return call(top, arguments, cache);
}

Value slow_invoke(Value *top, std::uint32_t arguments, const Symbol *name, Cache *cache, Code *root) {
  note(root);
  return invoke(top, arguments, name, cache);
}

Value slow_super_invoke(Value *top, std::uint32_t arguments, const Symbol *name, Cache *cache, Code *root) {
  note(root);
  return super_invoke(top, arguments, name, cache);
}

} // namespace

std::vector<osr::HostSymbol> host_functions() {
  const auto symbol = [](const char *name, auto *function) {
    return osr::HostSymbol{name, reinterpret_cast<std::uint64_t>(function)};
  };
  return {
      symbol("lox.unwind", &unwind),
      symbol("lox.overflow", &overflow),
      symbol("lox.leave", &leave),
      symbol("lox.instantiate", &instantiate),
      symbol("lox.equal", &are_equal),
      symbol("lox.print", &print),
      symbol("lox.add", &slow_add),
      symbol("lox.concatenate", &add),
      symbol("lox.operand_error", &operand_error),
      symbol("lox.undefined_variable", &undefined_variable),
      symbol("lox.make_closure", &make_closure),
      symbol("lox.close_upvalues", &close_upvalues),
      symbol("lox.make_class", &make_class),
      symbol("lox.inherit", &inherit),
      symbol("lox.add_method", &add_method),
      symbol("lox.get_field", &slow_get_field),
      symbol("lox.set_field", &slow_set_field),
      symbol("lox.get_super", &get_super),
      symbol("lox.call", &slow_call),
      symbol("lox.invoke", &slow_invoke),
      symbol("lox.super_invoke", &slow_super_invoke),
  };
}

} // namespace lox
