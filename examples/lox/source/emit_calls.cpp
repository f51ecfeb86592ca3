// Calls: of what was met before, straight to the function; of anything else by the runtime function that the interpreter uses.
#include "emitter.h"

#include "operations.h"

#include <llvm/IR/MDBuilder.h>

namespace lox {

/// The result of a call that may have collected: operands go, objects have moved.
void Emitter::finish_call(std::size_t operands, llvm::Value *result) {
  check_error(result);
  pop(operands);
  forget_objects();
  push(result);
}

/// Calls a function whose frame begins at a slot.
llvm::Value *Emitter::enter(Code *callee, std::size_t base) {
  auto *type = llvm::FunctionType::get(i64(), {ptr(), ptr()}, false);
  llvm::Value *target = nullptr;
  if (callee == plan_.code && plan_.offset == 0)
    target = function_;
  else if (!callee->compiled.empty())
    target = module_->getOrInsertFunction(callee->compiled, type).getCallee();
  else
    target = load(ptr(), pointer(&callee->entry), Memory::Word);
  return builder_->CreateCall(type, target, {address(base), pointer(callee)});
}

void Emitter::call() {
  const std::uint32_t count = byte(1);
  const Cache &cache = plan_.code->caches[operand(2)];
  const std::size_t base = slots_.size() - count - 1;
  flush(base);
  llvm::BasicBlock *slow = block("other_callee"), *joined = block("called");
  std::vector<Way> ways;
  if (cache.used != 0 && !cache.is_full && slots_[base].form == Form::Boxed) {
    llvm::Value *callee = boxed(base);
    llvm::BasicBlock *object_block = block("object");
    branch(is_object(callee), object_block, slow);
    builder_->SetInsertPoint(object_block);
    llvm::Value *identity = identity_of(object_of(callee));
    for (int i = 0; i != cache.used; ++i) {
      const Cache::Entry &entry = cache.entries[i];
      Code *code = entry.callee;
      if (code ? code->arity != int(count) || (!entry.is_method && code->is_method()) : true)
        continue; // an error, or a class without initialiser
      llvm::BasicBlock *hit = block("callee"), *miss = block("next_callee");
      branch(builder_->CreateICmpEQ(identity, pointer(entry.identity)), hit, miss);
      builder_->SetInsertPoint(hit);
      if (entry.is_method) // of a class, its initialiser
        call_host("lox.construct", builder_->getVoidTy(), {address(base), builder_->getInt32(count)});
      ways.push_back({enter(code, base), builder_->GetInsertBlock()});
      builder_->CreateBr(joined);
      builder_->SetInsertPoint(miss);
    }
  }
  builder_->CreateBr(slow);
  builder_->SetInsertPoint(slow);
  ways.push_back({call_host("lox.call", i64(), {top(), builder_->getInt32(count), pointer(&cache)}), slow});
  builder_->CreateBr(joined);
  builder_->SetInsertPoint(joined);
  finish_call(count + 1, join(ways));
}

void Emitter::invoke() {
  const std::uint32_t count = byte(3);
  const Cache &cache = plan_.code->caches[operand(4)];
  const std::size_t base = slots_.size() - count - 1;
  flush(base);
  llvm::BasicBlock *slow = block("other_shape"), *joined = block("called");
  std::vector<Way> ways;
  if (cache.used != 0 && slots_[base].form == Form::Boxed) {
    llvm::Value *receiver = boxed(base);
    llvm::BasicBlock *object_block = block("object");
    branch(is_object(receiver), object_block, slow);
    builder_->SetInsertPoint(object_block);
    llvm::Value *object = object_of(receiver), *shape = identity_of(object);
    for (int i = 0; i != cache.used; ++i) {
      const Cache::Entry &entry = cache.entries[i];
      if (entry.callee->arity != int(count))
        continue;
      llvm::BasicBlock *hit = block("shape"), *miss = block("next_shape");
      branch(builder_->CreateICmpEQ(shape, pointer(entry.identity)), hit, miss);
      builder_->SetInsertPoint(hit);
      llvm::Value *closure = word(Value::nil_bits); // a method without variables from outside does not need it
      if (entry.callee->upvalue_count != 0) {
        llvm::Value *type = load(ptr(), field(object, offsetof(Instance, type)), Memory::Word);
        llvm::Value *methods = load(ptr(), field(type, offsetof(Class, methods)), Memory::Word);
        const std::size_t place = offsetof(Methods, entries) + std::size_t(entry.index) * sizeof(Methods::Entry);
        closure = load(i64(), field(methods, place + offsetof(Methods::Entry, closure)), Memory::Word);
      }
      store(closure, address(base + count + 1), Memory::Stack);
      ways.push_back({enter(entry.callee, base), builder_->GetInsertBlock()});
      builder_->CreateBr(joined);
      builder_->SetInsertPoint(miss);
    }
  }
  builder_->CreateBr(slow);
  builder_->SetInsertPoint(slow);
  llvm::Value *name = pointer(plan_.code->symbols[operand(1)]);
  ways.push_back({call_host("lox.invoke", i64(), {top(), builder_->getInt32(count), name, pointer(&cache)}), slow});
  builder_->CreateBr(joined);
  builder_->SetInsertPoint(joined);
  finish_call(count + 1, join(ways));
}

void Emitter::super_invoke() {
  const std::uint32_t count = byte(3);
  flush(slots_.size() - count - 2);
  llvm::Value *name = pointer(plan_.code->symbols[operand(1)]);
  llvm::Value *result = call_host("lox.super_invoke", i64(), {top(), builder_->getInt32(count), name});
  finish_call(count + 2, result);
}

} // namespace lox
