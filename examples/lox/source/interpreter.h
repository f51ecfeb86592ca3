// The frames of one run of the interpreter. Calls among interpreted functions push a Frame; compiled ones are called, and call
// interpret().
#pragma once

#include "jit.h"
#include "operations.h"

namespace lox {

class Interpreter {
public:
  explicit Interpreter(Machine &machine) : machine_(machine), floor_(machine.frames.size()) {}

  /// False: the stack is full; there is an error then.
  bool push(Code *code, Value *base, std::uint32_t offset, std::uint32_t height) {
    if (base + code->slots > machine_.stack_limit) {
      machine_.error("Stack overflow.");
      return false;
    }
    machine_.frames.push_back({code, &code->bytes[offset], base});
    top_ = base + height;
    return true;
  }

  Value run();

private:
  Frame &frame() { return machine_.frames.back(); }

  /// Ends all frames of this interpreter; `offset` is of the newest one's instruction.
  Value fail(const std::uint8_t *instruction) {
    machine_.trace(*frame().code, std::size_t(instruction - frame().code->bytes.data()));
    return fail_after_trace();
  }
  /// The newest frame's line is known already.
  Value fail_after_trace() {
    for (machine_.frames.pop_back(); machine_.frames.size() != floor_; machine_.frames.pop_back())
      machine_.trace(*frame().code, std::size_t(frame().next - 1 - frame().code->bytes.data())); // in a call
    return Value::error();
  }

  enum class Next : std::uint8_t { GoOn, NewFrame, Fail };
  Next enter(Callee callee, Value *base);

  Machine &machine_;
  std::size_t floor_;
  Value *top_ = nullptr;
};

/// Runs a function to its end, or begins to. What is behind `base` becomes the result.
inline Interpreter::Next Interpreter::enter(Callee callee, Value *base) {
  Value result = callee.result;
  if (callee.code) {
    if (callee.code->entry == &interpret && machine_.jit)
      machine_.jit->notice_call(callee.code, base);
    if (callee.code->entry == &interpret)
      return push(callee.code, base, 0, callee.code->first_height()) ? Next::NewFrame : Next::Fail;
    result = callee.code->entry(base, callee.code);
  }
  if (result.is_error())
    return Next::Fail;
  base[0] = result;
  top_ = base + 1;
  return Next::GoOn;
}

} // namespace lox
