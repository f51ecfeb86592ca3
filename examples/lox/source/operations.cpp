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

bool is_text(Value value) { return is(value, Kind::String) || is(value, Kind::Rope); }

/// Returns where it begins.
char *write_piece(Value piece, char *end) {
  const auto *string = as<String>(piece);
  end -= string->length;
  std::memcpy(end, string->text, string->length);
  return end;
}

/// Writes the text so that it ends at `end`.
void write_text(Value text, char *end) {
  std::vector<Value> before; // what comes in front of that
  for (;;) {
    while (is(text, Kind::Rope)) {
      const auto *rope = as<Rope>(text);
      if (is(rope->right, Kind::String)) { // nearly always: text grows at its end
        end = write_piece(rope->right, end);
        text = rope->left;
      } else {
        if (!rope->right.is_nil())
          before.push_back(rope->left);
        text = rope->right.is_nil() ? rope->left : rope->right;
      }
    }
    end = write_piece(text, end);
    if (before.empty())
      return;
    text = before.back();
    before.pop_back();
  }
}

std::string text_of(Value rope) {
  std::string text(as<Rope>(rope)->length, ' ');
  write_text(rope, text.data() + text.size());
  return text;
}

/// A rope in the stack becomes one piece. May collect.
void flatten(Value *slot) {
  if (!is(*slot, Kind::Rope) || as<Rope>(*slot)->right.is_nil())
    return;
  auto *whole = Machine::the().heap.make<String>(as<Rope>(*slot)->length);
  if (!is(*slot, Kind::Rope))
    return; // the collector has found it in one piece
  auto *rope = as<Rope>(*slot);
  whole->length = rope->length;
  write_text(*slot, whole->text + whole->length);
  rope->left = Value::object(whole);
  rope->right = Value::nil();
}

const String *flat(Value text) { return is(text, Kind::String) ? as<String>(text) : as<String>(as<Rope>(text)->left); }

void print_object(Value value) {
  switch (value.as_object()->kind()) {
  case Kind::String: std::fwrite(as<String>(value)->text, 1, as<String>(value)->length, stdout); break;
  case Kind::Rope: {
    const std::string text = text_of(value);
    std::fwrite(text.data(), 1, text.size(), stdout);
    break;
  }
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

bool are_equal(Value *top) {
  const Value left = top[-2], right = top[-1];
  if (left.is_number() && right.is_number())
    return left.as_number() == right.as_number();
  if (left.bits == right.bits)
    return true;
  if (!is_text(left) || !is_text(right) || as<String>(left)->length != as<String>(right)->length)
    return false;
  Machine::the().top = top;
  flatten(&top[-2]);
  flatten(&top[-1]);
  return flat(top[-2])->view() == flat(top[-1])->view();
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
  if (!is_text(top[-2]) || !is_text(top[-1]))
    return Machine::the().error("Operands must be two numbers or two strings.");
  Cache::news += !cache->met_others;
  cache->met_others = true;
  Machine::the().top = top;
  const std::uint64_t length = as<String>(top[-2])->length + as<String>(top[-1])->length; // a rope has it there too
  if (length > longest_copied) {
    auto *rope = Machine::the().heap.make<Rope>();
    rope->length = length;
    rope->left = top[-2];
    rope->right = top[-1];
    return Value::object(rope);
  }
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
