#include "operations.h"

#include <cstdio>
#include <cstring>

namespace lox {
namespace {

void print_function(const Code &code) {
  if (code.kind == CodeKind::Script)
    std::fputs("<script>", stdout);
  else
    std::printf("<fn %s>", code.name->text.c_str());
}

void print_object(Value value) {
  switch (value.as_object()->kind()) {
  case Kind::String: std::fwrite(as<String>(value)->text, 1, as<String>(value)->length, stdout); break;
  case Kind::Closure: print_function(*as<Closure>(value)->code); break;
  case Kind::Bound: print_function(*as<Bound>(value)->method->code); break;
  case Kind::Class: std::fputs(as<Class>(value)->info->name->text.c_str(), stdout); break;
  case Kind::Instance: std::printf("%s instance", as<Instance>(value)->type->info->name->text.c_str()); break;
  case Kind::Native: std::fputs("<native fn>", stdout); break;
  case Kind::Upvalue:
  case Kind::Array:
  case Kind::Methods: break; // no values
  }
}

} // namespace

bool are_equal(Value left, Value right) {
  if (left.is_number() && right.is_number())
    return left.as_number() == right.as_number();
  if (left.bits == right.bits)
    return true;
  return is(left, Kind::String) && is(right, Kind::String) && as<String>(left)->view() == as<String>(right)->view();
}

void print(Value value) {
  if (value.is_number())
    std::printf("%g", value.as_number());
  else if (value.is_nil())
    std::fputs("nil", stdout);
  else if (value.is_boolean())
    std::fputs(value.is_falsey() ? "false" : "true", stdout);
  else
    print_object(value);
  std::putchar('\n');
}

Value add(Value *top, Cache *cache) {
  if (top[-2].is_number() && top[-1].is_number()) {
    cache->met_numbers = true;
    return Value::number(top[-2].as_number() + top[-1].as_number());
  }
  if (!is(top[-2], Kind::String) || !is(top[-1], Kind::String))
    return Machine::the().error("Operands must be two numbers or two strings.");
  Cache::news += !cache->met_others;
  cache->met_others = true;
  Machine::the().top = top;
  const std::size_t length = as<String>(top[-2])->length + as<String>(top[-1])->length;
  auto *joined = Machine::the().heap.make<String>(length);
  const auto *left = as<String>(top[-2]), *right = as<String>(top[-1]); // where they are now
  joined->length = length;
  std::memcpy(joined->text, left->text, left->length);
  std::memcpy(joined->text + left->length, right->text, right->length);
  return Value::object(joined);
}

Value operand_error(const Code *code, std::uint32_t offset) {
  Machine &machine = Machine::the();
  const Op op = Op(code->bytes[offset]);
  machine.error(op == Op::Negate ? "Operand must be a number." : "Operands must be numbers.");
  machine.trace(*code, offset);
  return Value::error();
}

Value undefined_variable(std::uint64_t global) {
  Machine &machine = Machine::the();
  return machine.error("Undefined variable '%s'.", machine.global_names[global]->text.c_str());
}

} // namespace lox
