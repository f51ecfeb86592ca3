// One instruction of bytecode.
#include "emitter.h"

namespace lox {

void Emitter::constant(const Value &value) {
  if (value.is_number())
    push(llvm::ConstantFP::get(builder_->getDoubleTy(), value.as_number()), Form::Number);
  else
    push(load(i64(), pointer(&value), Memory::Global));
}

void Emitter::get_local(std::size_t slot) {
  if (!slots_[slot].value)
    boxed(slot);
  push(slots_[slot].value, slots_[slot].form);
}

void Emitter::set_local(std::size_t slot) {
  if (!at(0).value)
    boxed(index(0));
  Slot &local = slots_[slot];
  local = {at(0).value, at(0).form, false, local.is_written};
}

void Emitter::get_super() {
  flush();
  llvm::Value *result = call_host("lox.get_super", i64(), {top(), symbol(1)});
  finish_call(2, result);
}

void Emitter::replace_top(llvm::Value *value, Form form) {
  pop();
  push(value, form);
}

void Emitter::make_closure() {
  flush();
  llvm::Value *closure = call_host("lox.make_closure", i64(), {top(), base_, code_pointer(), here()});
  forget_objects();
  push(closure);
}

void Emitter::close_upvalue() {
  flush();
  call_host("lox.close_upvalues", builder_->getVoidTy(), {address(index(0))});
  pop();
}

void Emitter::make_class() {
  flush();
  llvm::Value *made = call_host("lox.make_class", i64(), {top(), symbol(1), builder_->getInt32(byte(3))});
  forget_objects();
  push(made);
}

void Emitter::inherit() {
  flush();
  llvm::Value *result = call_host("lox.inherit", i64(), {top()});
  forget_objects();
  check_error(result);
  pop();
}

void Emitter::add_method() {
  flush();
  call_host("lox.add_method", builder_->getVoidTy(), {top(), symbol(1)});
  forget_objects();
  pop();
}

void Emitter::return_top() {
  const Code &code = *scope_->code;
  llvm::Value *result = at(0).value ? at(0).value : boxed(index(0));
  const Form form = at(0).form;
  if (std::find(code.captured.begin(), code.captured.end(), true) != code.captured.end()) {
    flush();
    call_host("lox.close_upvalues", builder_->getVoidTy(), {base_});
  }
  finish(result, form);
}

/// False: control does not come to the next one.
bool Emitter::instruction(std::uint32_t offset) {
  const Code &code = *scope_->code;
  const std::size_t base = scope_->base;
  switch (const Op op = Op(code.bytes[offset])) {
  case Op::Constant: constant(code.constants[operand(1)]); break;
  case Op::Nil: push(word(Value::nil_bits)); break;
  case Op::True: push(builder_->getTrue(), Form::Truth); break;
  case Op::False: push(builder_->getFalse(), Form::Truth); break;
  case Op::Pop: pop(); break;
  case Op::GetLocal: get_local(base + byte(1)); break;
  case Op::SetLocal: set_local(base + byte(1)); break;
  case Op::GetUpvalue: push(load(i64(), upvalue(int(byte(1))), Memory::Any)); break;
  case Op::SetUpvalue: store(boxed(index(0)), upvalue(int(byte(1))), Memory::Any); break;
  case Op::GetGlobal: get_global(operand(1)); break;
  case Op::SetGlobal: set_global(operand(1)); break;
  case Op::DefineGlobal:
    store(boxed(index(0)), pointer(&machine_.globals[operand(1)]), Memory::Global);
    pop();
    break;
  case Op::GetField: get_field(); break;
  case Op::SetField: set_field(); break;
  case Op::GetSuper: get_super(); break;
  case Op::Equal: equal(); break;
  case Op::Greater:
  case Op::Less:
  case Op::Subtract:
  case Op::Multiply:
  case Op::Divide: arithmetic(op); break;
  case Op::Add: add(); break;
  case Op::Not: replace_top(falsehood(0), Form::Truth); break;
  case Op::Negate: replace_top(builder_->CreateFNeg(number(0)), Form::Number); break;
  case Op::Print:
    call_host("lox.print", builder_->getVoidTy(), {boxed(index(0))});
    pop();
    break;
  case Op::Jump: go_to(scope_->joins[offset + 3 + operand(1)]); return false;
  case Op::Loop: go_to(scope_->joins[offset + 3 - operand(1)]); return false;
  case Op::JumpIfFalse: conditional_jump(offset + 3 + operand(1), falsehood(0)); break;
  case Op::PopJumpIfFalse: {
    llvm::Value *condition = falsehood(0);
    pop();
    conditional_jump(offset + 3 + operand(1), condition);
    break;
  }
  case Op::Call: return call();
  case Op::Invoke: return invoke();
  case Op::SuperInvoke: return super_invoke();
  case Op::Closure: make_closure(); break;
  case Op::CloseUpvalue: close_upvalue(); break;
  case Op::Class: make_class(); break;
  case Op::Inherit: inherit(); break;
  case Op::Method: add_method(); break;
  case Op::Return: return_top(); return false;
  }
  return true;
}

} // namespace lox
