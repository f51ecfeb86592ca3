// From instruction to instruction: where a function begins, where ways join, and where the interpreter takes over.
#include "emitter.h"

#include <llvm/IR/MDBuilder.h>

namespace lox {

/// The function, the kinds of memory that no store to another kind can change, and the check that the stack has room.
void Emitter::begin() {
  llvm::MDBuilder metadata(llvm_context());
  llvm::MDNode *any = metadata.createTBAAScalarTypeNode("value", metadata.createTBAARoot("lox"));
  const auto kind = [&](Memory memory, const char *name) {
    llvm::MDNode *type = metadata.createTBAAScalarTypeNode(name, any);
    memories_[memory] = metadata.createTBAAStructTagNode(type, type, 0);
  };
  memories_[Memory::Any] = metadata.createTBAAStructTagNode(any, any, 0); // a variable of a closure
  kind(Memory::Stack, "stack");
  kind(Memory::Field, "field");
  kind(Memory::Word, "word");
  kind(Memory::Global, "global");
  auto *type = llvm::FunctionType::get(i64(), {ptr(), ptr()}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, plan_.name, module_.get());
  base_ = function_->getArg(0);
  builder_->SetInsertPoint(block("entry"));
  slots_.resize(plan_.height);
  slots_needed_ = std::size_t(plan_.code->slots);
  llvm::BasicBlock *overflow = block("overflow"), *room = block("room");
  llvm::Value *limit = load(ptr(), pointer(&machine_.stack_limit), Memory::Global);
  end_ = llvm::GetElementPtrInst::Create(i64(), base_, {word(1)}, "", builder_->GetInsertBlock());
  branch(builder_->CreateICmpULE(end_, limit), room, overflow);
  builder_->SetInsertPoint(overflow);
  llvm::Value *error = call_host("lox.overflow", i64(), {});
  if (plan_.offset != 0) // else it is an error in our caller's line
    call_host("lox.unwind", builder_->getVoidTy(), {code_pointer(), builder_->getInt32(plan_.offset)});
  builder_->CreateRet(error);
  builder_->SetInsertPoint(room);
}

/// What was seen to be numbers is unboxed once, or else the interpreter goes on.
void Emitter::expect_numbers() {
  scope_->offset = plan_.offset;
  for (std::size_t slot = 0; slot != plan_.numbers.size(); ++slot) {
    if (!plan_.numbers[slot])
      continue;
    llvm::Value *value = boxed(slot);
    guard(builder_->CreateICmpULE(value, word(Value::greatest_number)));
    unbox(value, builder_->CreateBitCast(value, builder_->getDoubleTy()));
  }
}

/// Finds where ways join.
void Emitter::begin_scope(Scope &scope) {
  const Code &code = *scope.code;
  const auto join = [&](std::size_t offset) -> Join & {
    Join &join = scope.joins[std::uint32_t(offset)];
    join.scope = &scope;
    join.offset = std::uint32_t(offset);
    join.place = scope.path;
    join.place.push_back(std::uint32_t(offset));
    return join;
  };
  for (std::size_t offset = 0; offset < code.bytes.size(); offset += length_of(code, offset)) {
    switch (Op(code.bytes[offset])) {
    case Op::Jump:
    case Op::JumpIfFalse:
    case Op::PopJumpIfFalse: join(offset + 3 + code.two_bytes(offset + 1)); break;
    case Op::Loop: join(offset + 3 - code.two_bytes(offset + 1)).is_loop = true; break;
    default: break;
    }
  }
  scope.leave.kind = Join::Kind::Leave;
  scope.leave.scope = &scope;
  scope.leave.place = scope.path;
  scope.leave.place.push_back(UINT32_MAX - 1);
}

/// Values go from this block to a place where ways join.
void Emitter::prepare_edge(Join &join) {
  if (!join.is_reached)
    return first_edge(join);
  for (std::size_t i = 0; i != slots_.size(); ++i) {
    const Slot &wanted = join.slots[i];
    if (wanted.form == Form::Number && slots_[i].form != Form::Number) {
      boxed_.insert({join.place, i});
      must_repeat_ = true;
      return;
    }
    llvm::Value *value = nullptr;
    if (wanted.value)
      value = wanted.form == Form::Number ? slots_[i].value : boxed(i);
    if ((wanted.is_stored && !slots_[i].is_stored) || (wanted.is_written && !slots_[i].is_written))
      store(i, slots_[i]);
    if (value)
      llvm::cast<llvm::PHINode>(wanted.value)->addIncoming(value, builder_->GetInsertBlock());
  }
}

void Emitter::first_edge(Join &join) {
  llvm::BasicBlock *from = builder_->GetInsertBlock();
  join.is_reached = true;
  join.block = block(join.is_loop ? "loop" : "join");
  pending_.push_back(&join);
  for (std::size_t i = 0; i != slots_.size(); ++i) {
    const bool is_number = slots_[i].form == Form::Number && !boxed_.contains({join.place, i}) && !is_captured(i);
    if (!is_number && (join.is_loop || is_captured(i) || !slots_[i].value)) { // is in memory from here on
      if (!slots_[i].is_stored)
        store(i, slots_[i]);
      join.slots.push_back({});
      continue;
    }
    if (join.is_loop && !slots_[i].is_written)
      store(i, slots_[i]);
    llvm::Value *value = is_number ? slots_[i].value : boxed(i);
    llvm::PHINode *phi = llvm::PHINode::Create(value->getType(), 2, "", join.block);
    phi->addIncoming(value, from);
    join.slots.push_back(
        {phi, is_number ? Form::Number : Form::Boxed, slots_[i].is_stored && !join.is_loop, slots_[i].is_written});
  }
}

void Emitter::go_to(Join &join) {
  prepare_edge(join);
  if (!must_repeat_)
    builder_->CreateBr(join.block);
}

/// To `target` if `falsehood`, else to the next instruction.
void Emitter::conditional_jump(std::uint32_t target, llvm::Value *falsehood) {
  Join &join = scope_->joins[target];
  prepare_edge(join);
  if (must_repeat_)
    return;
  llvm::BasicBlock *next = block("next");
  builder_->CreateCondBr(falsehood, join.block, next);
  builder_->SetInsertPoint(next);
}

void Emitter::emit(Join &join) {
  scope_ = join.scope;
  builder_->SetInsertPoint(join.block);
  slots_ = join.slots;
  switch (join.kind) {
  case Join::Kind::At: return emit_from(join.offset, true);
  case Join::Kind::Behind: return emit_from(join.offset, false);
  case Join::Kind::Leave: return emit_leave(join);
  }
}

/// To the next join, or to the end of a way.
void Emitter::emit_from(std::uint32_t offset, bool is_first) {
  for (Scope *const scope = scope_; !must_repeat_; is_first = false) {
    if (const auto join = scope->joins.find(offset); !is_first && join != scope->joins.end())
      return go_to(join->second);
    scope->offset = offset;
    if (!instruction(offset))
      return;
    offset += std::uint32_t(length_of(*scope->code, offset));
  }
}

/// The function ends, or a callee in place does: its frame is replaced by the result.
void Emitter::finish(llvm::Value *result, Form form) {
  if (!scope_->outer) {
    builder_->CreateRet(box({result, form}));
    return;
  }
  slots_.resize(scope_->base);
  push(result, form);
  go_to(*scope_->after);
}

} // namespace lox
