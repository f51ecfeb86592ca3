// One instruction of bytecode.
#include "emitter.h"

namespace lox {

/// False: control does not come to the next one.
bool Emitter::instruction(std::uint32_t offset) {
  const Code &code = *scope_->code;
  const std::size_t base = scope_->base;
  switch (const Op op = Op(code.bytes[offset])) {
  case Op::Constant: {
    const Value &constant = code.constants[operand(1)];
    if (constant.is_number())
      push(llvm::ConstantFP::get(builder_->getDoubleTy(), constant.as_number()), Form::Number);
    else
      push(load(i64(), pointer(&constant), Memory::Global));
    break;
  }
  case Op::Nil: push(word(Value::nil_bits)); break;
  case Op::True: push(builder_->getTrue(), Form::Truth); break;
  case Op::False: push(builder_->getFalse(), Form::Truth); break;
  case Op::Pop: pop(); break;
  case Op::GetLocal: {
    if (!slots_[base + byte(1)].value)
      boxed(base + byte(1));
    push(slots_[base + byte(1)].value, slots_[base + byte(1)].form);
    break;
  }
  case Op::SetLocal: {
    if (!at(0).value)
      boxed(index(0));
    Slot &local = slots_[base + byte(1)];
    local = {at(0).value, at(0).form, false, local.is_written};
    break;
  }
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
  case Op::GetSuper: {
    flush();
    llvm::Value *result = call_host("lox.get_super", i64(), {top(), symbol(1)});
    finish_call(2, result);
    break;
  }
  case Op::Equal: equal(); break;
  case Op::Greater:
  case Op::Less:
  case Op::Subtract:
  case Op::Multiply:
  case Op::Divide: arithmetic(op); break;
  case Op::Add: add(); break;
  case Op::Not: {
    llvm::Value *truth = falsehood(0);
    pop();
    push(truth, Form::Truth);
    break;
  }
  case Op::Negate: {
    llvm::Value *negative = builder_->CreateFNeg(number(0));
    pop();
    push(negative, Form::Number);
    break;
  }
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
  case Op::Closure: {
    flush();
    llvm::Value *closure = call_host("lox.make_closure", i64(), {top(), base_, code_pointer(), here()});
    forget_objects();
    push(closure);
    break;
  }
  case Op::CloseUpvalue:
    flush();
    call_host("lox.close_upvalues", builder_->getVoidTy(), {address(index(0))});
    pop();
    break;
  case Op::Class: {
    flush();
    llvm::Value *made = call_host("lox.make_class", i64(), {top(), symbol(1), builder_->getInt32(byte(3))});
    forget_objects();
    push(made);
    break;
  }
  case Op::Inherit: {
    flush();
    llvm::Value *result = call_host("lox.inherit", i64(), {top()});
    forget_objects();
    check_error(result);
    pop();
    break;
  }
  case Op::Method:
    flush();
    call_host("lox.add_method", builder_->getVoidTy(), {top(), symbol(1)});
    forget_objects();
    pop();
    break;
  case Op::Return: {
    llvm::Value *result = at(0).value ? at(0).value : boxed(index(0));
    const Form form = at(0).form;
    if (std::find(code.captured.begin(), code.captured.end(), true) != code.captured.end()) {
      flush();
      call_host("lox.close_upvalues", builder_->getVoidTy(), {base_});
    }
    finish(result, form);
    return false;
  }
  }
  return true;
}

} // namespace lox
