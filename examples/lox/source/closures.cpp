#include "operations.h"

namespace lox {
namespace {

/// The upvalue of a variable in the stack: the one that there is, or a new one. Open ones are in order of their variables.
Upvalue *capture(Value *variable) {
  Machine &machine = Machine::the();
  Upvalue *newer = nullptr, *upvalue = machine.open_upvalues;
  for (; upvalue && upvalue->location > variable; upvalue = upvalue->next_open)
    newer = upvalue;
  if (upvalue && upvalue->location == variable)
    return upvalue;
  // Nothing that is found so far may be kept across this.
  auto *made = machine.heap.make<Upvalue>();
  made->closed = Value::nil();
  made->location = variable;
  newer = nullptr;
  for (upvalue = machine.open_upvalues; upvalue && upvalue->location > variable; upvalue = upvalue->next_open)
    newer = upvalue;
  made->next_open = upvalue;
  (newer ? newer->next_open : machine.open_upvalues) = made;
  return made;
}

} // namespace

Value make_closure(Value *top, Value *base, const Code *outer, std::uint32_t offset) {
  Machine &machine = Machine::the();
  Code *code = outer->functions[outer->two_bytes(offset + 1)];
  machine.top = top + 1;
  *top = Value::nil();
  auto *closure = machine.heap.make<Closure>(std::uint64_t(code->upvalue_count));
  closure->code = code;
  *top = Value::object(closure);
  for (int i = 0; i != code->upvalue_count; ++i) {
    const std::uint8_t *source = &outer->bytes[offset + 3 + 2 * std::size_t(i)];
    Upvalue *upvalue = source[0] ? capture(base + source[1]) : closure_of(*outer, base)->upvalues[source[1]];
    as<Closure>(*top)->upvalues[i] = upvalue;
  }
  return *top;
}

void close_upvalues(Value *first) {
  Upvalue *&open = Machine::the().open_upvalues;
  while (open && open->location >= first) {
    open->closed = *open->location;
    open->location = &open->closed;
    open = std::exchange(open->next_open, nullptr);
  }
}

} // namespace lox
