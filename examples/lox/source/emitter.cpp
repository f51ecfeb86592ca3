#include "emitter.h"

#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Verifier.h>

#include <algorithm>

namespace lox {

void Plan::observe(const Value *base) {
  if (code->is_generic)
    return;
  for (std::uint32_t slot = 0; slot != height; ++slot)
    numbers.push_back(base[slot].is_number() && !code->captured[slot]);
}

llvm::orc::ThreadSafeModule emit(Machine &machine, const Plan &plan) {
  auto context = std::make_unique<llvm::LLVMContext>();
  BoxedSlots boxed;
  for (;;)
    if (auto module = Emitter(machine, plan, boxed).run(*context))
      return {std::move(module), std::move(context)};
}

Emitter::Emitter(Machine &machine, const Plan &plan, BoxedSlots &boxed)
    : machine_(machine), plan_(plan), boxed_(boxed) {}

std::unique_ptr<llvm::Module> Emitter::run(llvm::LLVMContext &context) {
  module_ = std::make_unique<llvm::Module>(plan_.name, context);
  builder_ = std::make_unique<llvm::IRBuilder<>>(context);
  plan_.code->news = Cache::news;
  scope_ = &scopes_.emplace_back();
  scope_->code = plan_.code;
  begin();
  begin_scope(*scope_);
  expect_numbers();
  if (const auto join = scope_->joins.find(plan_.offset); join != scope_->joins.end())
    go_to(join->second);
  else
    emit_from(plan_.offset, true);
  while (!pending_.empty() && !must_repeat_) {
    Join &next = *pending_.back();
    pending_.pop_back();
    emit(next);
  }
  if (must_repeat_)
    return nullptr;
  end_->setOperand(1, word(slots_needed_));
  if (llvm::verifyModule(*module_, &llvm::errs()))
    abort();
  return std::move(module_);
}

// --- Slots

llvm::Value *Emitter::address(std::size_t slot) {
  return slot ? builder_->CreateConstGEP1_64(i64(), base_, slot) : base_;
}

llvm::Value *Emitter::box(const Slot &slot) {
  switch (slot.form) {
  case Form::Boxed: return slot.value;
  case Form::Number: return builder_->CreateBitCast(slot.value, i64());
  case Form::Truth: return builder_->CreateSelect(slot.value, word(Value::true_bits), word(Value::false_bits));
  }
  return nullptr;
}

/// The value as it is in memory.
llvm::Value *Emitter::boxed(std::size_t slot) {
  Slot &state = slots_[slot];
  if (!state.value)
    state.value = load(i64(), address(slot), Memory::Stack);
  return box(state);
}

void Emitter::store(std::size_t slot, Slot &state) {
  store(box(state), address(slot), Memory::Stack);
  state.is_stored = state.is_written = true;
}

/// Before something is called that may collect: memory holds a value in each slot. Below `first`, which nobody but the
/// collector reads, an older number serves as well.
void Emitter::flush(std::size_t first) {
  for (std::size_t i = 0; i != slots_.size(); ++i) {
    const bool is_old_number = i < first && slots_[i].form == Form::Number && slots_[i].is_written && !is_captured(i);
    if (!slots_[i].is_stored && !is_old_number)
      store(i, slots_[i]);
  }
}

/// Afterwards: objects have moved, and variables of closures may have changed.
void Emitter::forget_objects() {
  for (std::size_t i = 0; i != slots_.size(); ++i)
    if ((slots_[i].form == Form::Boxed && !llvm::isa_and_nonnull<llvm::Constant>(slots_[i].value)) || is_captured(i))
      slots_[i] = {};
}

// --- Small things

llvm::Constant *Emitter::pointer(const void *address) {
  return llvm::ConstantExpr::getIntToPtr(builder_->getInt64(reinterpret_cast<std::uintptr_t>(address)), ptr());
}

llvm::Value *Emitter::load(llvm::Type *type, llvm::Value *from, Memory memory) {
  llvm::LoadInst *load = builder_->CreateLoad(type, from);
  load->setMetadata(llvm::LLVMContext::MD_tbaa, memories_[memory]);
  return load;
}

void Emitter::store(llvm::Value *value, llvm::Value *to, Memory memory) {
  builder_->CreateStore(value, to)->setMetadata(llvm::LLVMContext::MD_tbaa, memories_[memory]);
}

llvm::Value *Emitter::field(llvm::Value *object, std::size_t bytes) {
  return builder_->CreateConstGEP1_64(builder_->getInt8Ty(), object, bytes);
}

llvm::Value *Emitter::object_of(llvm::Value *value) {
  return builder_->CreateIntToPtr(builder_->CreateAnd(value, word(~Value::object_tag)), ptr());
}

llvm::Value *Emitter::is_object(llvm::Value *value) { return builder_->CreateICmpUGE(value, word(Value::object_tag)); }

void Emitter::branch(llvm::Value *condition, llvm::BasicBlock *likely, llvm::BasicBlock *unlikely) {
  builder_->CreateCondBr(condition, likely, unlikely, llvm::MDBuilder(llvm_context()).createLikelyBranchWeights());
}

llvm::CallInst *Emitter::call_host(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments) {
  llvm::SmallVector<llvm::Type *> types;
  for (llvm::Value *argument : arguments)
    types.push_back(argument->getType());
  return builder_->CreateCall(module_->getOrInsertFunction(name, llvm::FunctionType::get(result, types, false)),
                              arguments);
}

} // namespace lox
