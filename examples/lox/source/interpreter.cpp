// The interpreter's loop. It is one function, so that the registers which an instruction needs are the compiler's to choose; what takes more
// than a few machine instructions is a call.
#include "interpreter.h"

namespace lox {

#define CASE(name) case Op::name
#define BYTE() (*ip++)
#define TWO() (ip += 2, std::uint16_t(ip[-2] | ip[-1] << 8))
#define CACHE() (&code->caches[TWO()])

Value Interpreter::run() {
  Code *code = frame().code;
  const std::uint8_t *ip = frame().next, *instruction = ip;
  Value *base = frame().base, *top = top_;

  const auto reload = [&] {
    code = frame().code;
    ip = frame().next;
    base = frame().base;
    top = top_;
  };
  // True: it was the oldest one.
  const auto leave_frame = [&](Value result) {
    *base = result;
    top_ = base + 1;
    machine_.frames.pop_back();
    if (machine_.frames.size() == floor_)
      return true;
    reload();
    return false;
  };
  // Pops operands and pushes a result that may be an error.
  const auto replace = [&](int operands, Value result) {
    top -= operands;
    *top++ = result;
    return !result.is_error();
  };
  const auto call = [&](Callee callee, Value *callee_base) {
    frame().next = ip;
    const Next next = enter(callee, callee_base);
    reload();
    return next != Next::Fail;
  };

  for (;;) {
    instruction = ip;
    switch (Op(*ip++)) {
      CASE(Constant) : *top++ = code->constants[TWO()];
      break;
      CASE(Nil) : *top++ = Value::nil();
      break;
      CASE(True) : *top++ = Value::boolean(true);
      break;
      CASE(False) : *top++ = Value::boolean(false);
      break;
      CASE(Pop) : --top;
      break;
      CASE(GetLocal) : *top++ = base[BYTE()];
      break;
      CASE(SetLocal) : base[BYTE()] = top[-1];
      break;
      CASE(GetUpvalue) : *top++ = *closure_of(*code, base)->upvalues[BYTE()]->location;
      break;
      CASE(SetUpvalue) : *closure_of(*code, base)->upvalues[BYTE()]->location = top[-1];
      break;
      CASE(GetGlobal) : {
        const std::size_t global = TWO();
        *top++ = machine_.globals[global];
        if (top[-1].is_undefined()) {
          undefined_variable(global);
          return fail(instruction);
        }
        break;
      }
      CASE(SetGlobal) : {
        const std::size_t global = TWO();
        if (machine_.globals[global].is_undefined()) {
          undefined_variable(global);
          return fail(instruction);
        }
        machine_.globals[global] = top[-1];
        break;
      }
      CASE(DefineGlobal) : machine_.globals[TWO()] = *--top;
      break;
      CASE(GetField) : {
        const Symbol *name = code->symbols[TWO()];
        Cache *cache = CACHE();
        if (!replace(1, get_field(top, name, cache)))
          return fail(instruction);
        break;
      }
      CASE(SetField) : {
        const Symbol *name = code->symbols[TWO()];
        Cache *cache = CACHE();
        if (!replace(2, set_field(top, name, cache)))
          return fail(instruction);
        break;
      }
      CASE(GetSuper) : if (!replace(2, get_super(top, code->symbols[TWO()]))) return fail(instruction);
      break;
      CASE(Equal) : replace(2, Value::boolean(are_equal(top)));
      break;
#define ARITHMETIC(name, expression)                                                                                   \
  CASE(name) : {                                                                                                       \
    if (!top[-2].is_number() || !top[-1].is_number()) {                                                                \
      operand_error(code, std::uint32_t(instruction - code->bytes.data()));                                            \
      return fail_after_trace();                                                                                       \
    }                                                                                                                  \
    const double left = top[-2].as_number(), right = top[-1].as_number();                                              \
    replace(2, expression);                                                                                            \
    break;                                                                                                             \
  }
      ARITHMETIC(Greater, Value::boolean(left > right))
      ARITHMETIC(Less, Value::boolean(left < right))
      ARITHMETIC(Subtract, Value::number(left - right))
      ARITHMETIC(Multiply, Value::number(left * right))
      ARITHMETIC(Divide, Value::number(left / right))
      CASE(Add) : {
        Cache *cache = CACHE();
        if (top[-2].is_number() && top[-1].is_number()) {
          cache->met_numbers = true;
          replace(2, Value::number(top[-2].as_number() + top[-1].as_number()));
        } else if (!replace(2, add(top, cache))) {
          return fail(instruction);
        }
        break;
      }
      CASE(Not) : top[-1] = Value::boolean(top[-1].is_falsey());
      break;
      CASE(Negate) : {
        if (!top[-1].is_number()) {
          machine_.error("Operand must be a number.");
          return fail(instruction);
        }
        top[-1] = Value::number(-top[-1].as_number());
        break;
      }
      CASE(Print) : print(*--top);
      break;
      CASE(Jump) : {
        const std::size_t distance = TWO();
        ip += distance;
        break;
      }
      CASE(JumpIfFalse) : {
        const std::size_t distance = TWO();
        if (top[-1].is_falsey())
          ip += distance;
        break;
      }
      CASE(PopJumpIfFalse) : {
        const std::size_t distance = TWO();
        if ((--top)->is_falsey())
          ip += distance;
        break;
      }
      CASE(Loop) : {
        const std::size_t distance = TWO();
        ip -= distance;
        if (machine_.jit && machine_.jit->is_hot_loop(code)) {
          const auto offset = std::uint32_t(ip - code->bytes.data());
          if (Entry entry = machine_.jit->loop_entry(code, offset, base, std::uint32_t(top - base))) {
            frame().next = ip;
            const Value result = entry(base, code);
            if (result.is_error())
              return fail_after_trace();
            if (leave_frame(result))
              return result;
          }
        }
        break;
      }
      CASE(Call) : {
        const int count = BYTE();
        Cache *cache = CACHE();
        Value *callee = top - count - 1;
        if (!call(prepare_call(callee, count, cache), callee))
          return fail(instruction);
        break;
      }
      CASE(Invoke) : {
        const Symbol *name = code->symbols[TWO()];
        const int count = BYTE();
        Cache *cache = CACHE();
        Value *callee = top - count - 1;
        if (!call(prepare_invoke(callee, count, name, cache), callee))
          return fail(instruction);
        break;
      }
      CASE(SuperInvoke) : {
        const Symbol *name = code->symbols[TWO()];
        const int count = BYTE();
        Cache *cache = CACHE();
        Value *callee = top - count - 2;
        if (!call(prepare_super(callee, count, name, cache), callee))
          return fail(instruction);
        break;
      }
      CASE(Closure) : {
        const auto offset = std::uint32_t(instruction - code->bytes.data());
        make_closure(top, base, code, offset);
        ++top;
        ip = instruction + length_of(*code, offset);
        break;
      }
      CASE(CloseUpvalue) : close_upvalues(--top);
      break;
      CASE(Class) : {
        const Symbol *name = code->symbols[TWO()];
        const Value made = make_class(top, name, BYTE());
        *top++ = made;
        break;
      }
      CASE(Inherit) : {
        if (inherit(top).is_error())
          return fail(instruction);
        --top;
        break;
      }
      CASE(Method) : add_method(top, code->symbols[TWO()]);
      --top;
      break;
      CASE(Return) : {
        const Value result = *--top;
        if (machine_.open_upvalues)
          close_upvalues(base);
        if (leave_frame(result))
          return result;
        break;
      }
    }
  }
}

Value interpret(Value *base, Code *code) {
  Machine &machine = Machine::the();
  if (machine.jit && machine.jit->notice_call(code, base))
    return code->entry(base, code);
  return resume(base, code, 0, code->first_height());
}

Value resume(Value *base, Code *code, std::uint32_t offset, std::uint32_t height) {
  Interpreter interpreter(Machine::the());
  return interpreter.push(code, base, offset, height) ? interpreter.run() : Value::error();
}

} // namespace lox
