// Ways out of compiled code: to the interpreter, and to the caller with an error. One block of each kind for a function or callee in
// place: what is called in cold code costs time of the compiler all the same.
#include "emitter.h"

#include <llvm/IR/MDBuilder.h>

namespace lox {

/// The interpreter goes on with the instruction at `offset`, and with the frame of this callee in place alone. The block ends here; the
/// state is not changed. If that counts, the code is made anew after some times.
void Emitter::leave(std::uint32_t offset, Counts counts) {
  const std::vector<Slot> before = slots_;
  flush();
  Join &join = scope_->leave;
  const auto height = std::uint32_t(slots_.size() - scope_->base);
  slots_.resize(scope_->base);
  go_to(join);
  if (must_repeat_)
    return;
  if (!join.where)
    for (llvm::PHINode **phi : {&join.where, &join.height, &join.counts})
      *phi = llvm::PHINode::Create(i32(), 2, "", join.block->begin());
  llvm::BasicBlock *from = builder_->GetInsertBlock();
  join.where->addIncoming(builder_->getInt32(offset), from);
  join.height->addIncoming(builder_->getInt32(height), from);
  join.counts->addIncoming(builder_->getInt32(counts == Counts::Yes), from);
  slots_ = before;
}

void Emitter::emit_leave(Join &join) {
  llvm::Value *result = call_host(
      "lox.leave", i64(), {address(scope_->base), code_pointer(), join.where, join.height, join.counts, root()});
  if (scope_->outer) {
    llvm::BasicBlock *good = block("good"), *caller_error = error_block(*scope_->outer);
    add_error_edge(*scope_->outer, builder_->getInt32(scope_->call)); // our own line is in the trace
    branch(builder_->CreateICmpNE(result, word(Value::error_bits)), good, caller_error);
    builder_->SetInsertPoint(good);
    forget_objects();
  }
  finish(result, Form::Boxed);
}

/// On a slow way: there may be better code by now. Then the interpreter goes on behind this instruction, and comes to that.
void Emitter::leave_if_outdated(std::size_t operands, llvm::Value *result) {
  const std::vector<Slot> before = slots_;
  llvm::Value *version = load(i32(), pointer(&plan_.code->version), Memory::Any);
  llvm::BasicBlock *current = block("current"), *outdated = block("outdated");
  branch(builder_->CreateICmpEQ(version, builder_->getInt32(plan_.code->version)), current, outdated);
  builder_->SetInsertPoint(outdated);
  pop(operands);
  forget_objects();
  push(result);
  leave(next_offset(), Counts::No);
  slots_ = before;
  builder_->SetInsertPoint(current);
}

/// On the way to an error block: of the instruction there.
void Emitter::add_error_edge(Scope &scope, llvm::Value *offset) {
  scope.error.offset->addIncoming(offset, builder_->GetInsertBlock());
}

/// The scope's line goes into the trace, then its caller's, and the error to ours.
llvm::BasicBlock *Emitter::error_block(Scope &scope) {
  if (!scope.error.block) {
    llvm::IRBuilder<>::InsertPointGuard guard(*builder_);
    scope.error.block = block("error");
    builder_->SetInsertPoint(scope.error.block);
    scope.error.offset = builder_->CreatePHI(i32(), 2);
    call_host("lox.unwind", builder_->getVoidTy(), {pointer(scope.code), scope.error.offset});
    return_error(scope);
  }
  return scope.error.block;
}

void Emitter::return_error(Scope &scope) {
  if (!scope.outer) {
    builder_->CreateRet(word(Value::error_bits));
    return;
  }
  llvm::BasicBlock *caller_error = error_block(*scope.outer);
  add_error_edge(*scope.outer, builder_->getInt32(scope.call));
  builder_->CreateBr(caller_error);
}

/// For a branch of this block: an operand of the instruction is of the wrong kind.
llvm::BasicBlock *Emitter::operand_error_block() {
  ErrorBlock &error = scope_->operands;
  if (!error.block) {
    llvm::IRBuilder<>::InsertPointGuard guard(*builder_);
    error.block = block("operands");
    builder_->SetInsertPoint(error.block);
    error.offset = builder_->CreatePHI(i32(), 2);
    call_host("lox.operand_error", i64(), {code_pointer(), error.offset});
    return_error(*scope_);
  }
  error.offset->addIncoming(here(), builder_->GetInsertBlock());
  return error.block;
}

llvm::BasicBlock *Emitter::undefined_block(std::uint32_t global) {
  ErrorBlock &error = scope_->undefined;
  if (!error.block) {
    llvm::BasicBlock *line = error_block(*scope_);
    llvm::IRBuilder<>::InsertPointGuard guard(*builder_);
    error.block = block("undefined");
    builder_->SetInsertPoint(error.block);
    error.offset = builder_->CreatePHI(i32(), 2);
    error.detail = builder_->CreatePHI(i64(), 2);
    call_host("lox.undefined_variable", i64(), {error.detail});
    add_error_edge(*scope_, error.offset);
    builder_->CreateBr(line);
  }
  error.offset->addIncoming(here(), builder_->GetInsertBlock());
  error.detail->addIncoming(word(global), builder_->GetInsertBlock());
  return error.block;
}

void Emitter::check_error(llvm::Value *result) {
  llvm::BasicBlock *good = block("good"), *bad = error_block(*scope_);
  add_error_edge(*scope_, here());
  branch(builder_->CreateICmpNE(result, word(Value::error_bits)), good, bad);
  builder_->SetInsertPoint(good);
}

} // namespace lox
