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
  std::set<std::pair<std::uint32_t, std::uint32_t>> boxed;
  for (;;)
    if (auto module = Emitter(machine, plan, boxed).run(*context))
      return {std::move(module), std::move(context)};
}

Emitter::Emitter(Machine &machine, const Plan &plan, std::set<std::pair<std::uint32_t, std::uint32_t>> &boxed)
    : machine_(machine), plan_(plan), boxed_(boxed) {}

std::unique_ptr<llvm::Module> Emitter::run(llvm::LLVMContext &context) {
  module_ = std::make_unique<llvm::Module>(plan_.name, context);
  builder_ = std::make_unique<llvm::IRBuilder<>>(context);
  begin();
  find_joins();
  expect_numbers();
  if (joins_.contains(plan_.offset))
    go_to(plan_.offset);
  else
    emit_from(plan_.offset);
  while (!reached_.empty() && !must_repeat_) {
    const std::uint32_t offset = reached_.back();
    reached_.pop_back();
    Join &join = joins_[offset];
    builder_->SetInsertPoint(join.block);
    slots_ = join.slots;
    emit_from(offset);
  }
  if (must_repeat_)
    return nullptr;
  assert(!llvm::verifyModule(*module_, &llvm::errs()));
  return std::move(module_);
}

/// The function, the kinds of memory that no store to another kind can change, and the check that the stack has room.
void Emitter::begin() {
  llvm::MDBuilder metadata(context_());
  llvm::MDNode *any = metadata.createTBAAScalarTypeNode("value", metadata.createTBAARoot("lox"));
  const auto kind = [&](Memory memory, const char *name, llvm::MDNode *parent) {
    llvm::MDNode *type = metadata.createTBAAScalarTypeNode(name, parent);
    memories_[memory] = metadata.createTBAAStructTagNode(type, type, 0);
  };
  memories_[Memory::Any] = metadata.createTBAAStructTagNode(any, any, 0); // a variable of a closure
  kind(Memory::Stack, "stack", any);
  kind(Memory::Field, "field", any);
  kind(Memory::Word, "word", any);
  kind(Memory::Global, "global", any);
  auto *type = llvm::FunctionType::get(i64(), {ptr(), ptr()}, false);
  function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, plan_.name, module_.get());
  base_ = function_->getArg(0);
  builder_->SetInsertPoint(block("entry"));
  slots_.resize(plan_.height);
  if (plan_.offset != 0) // the stack was looked at already
    return;
  llvm::BasicBlock *overflow = block("overflow"), *room = block("room");
  llvm::Value *limit = load(ptr(), pointer(&machine_.stack_limit), Memory::Global);
  branch(builder_->CreateICmpULE(address(std::size_t(plan_.code->slots)), limit), room, overflow);
  builder_->SetInsertPoint(overflow);
  builder_->CreateRet(call_host("lox.overflow", i64(), {}));
  builder_->SetInsertPoint(room);
}

/// What was seen to be numbers is unboxed once, or else the interpreter goes on.
void Emitter::expect_numbers() {
  for (std::size_t slot = 0; slot != plan_.numbers.size(); ++slot) {
    if (!plan_.numbers[slot])
      continue;
    llvm::Value *value = boxed(slot);
    llvm::BasicBlock *good = block("number"), *bad = block("other");
    branch(builder_->CreateICmpULE(value, word(Value::greatest_number)), good, bad);
    builder_->SetInsertPoint(bad);
    offset_ = plan_.offset;
    leave();
    builder_->SetInsertPoint(good);
    unbox(value, builder_->CreateBitCast(value, builder_->getDoubleTy()));
  }
}

void Emitter::find_joins() {
  const Code &code = *plan_.code;
  for (std::size_t offset = 0; offset < code.bytes.size(); offset += length_of(code, offset)) {
    switch (Op(code.bytes[offset])) {
    case Op::Jump:
    case Op::JumpIfFalse:
    case Op::PopJumpIfFalse: joins_[std::uint32_t(offset) + 3 + code.two_bytes(offset + 1)]; break;
    case Op::Loop: joins_[std::uint32_t(offset) + 3 - code.two_bytes(offset + 1)].is_loop = true; break;
    default: break;
    }
  }
}

/// Values go from this block to a place where ways join.
void Emitter::prepare_edge(std::uint32_t offset) {
  Join &join = joins_[offset];
  if (!join.is_reached)
    return first_edge(offset, join);
  for (std::size_t i = 0; i != slots_.size(); ++i) {
    const Slot &wanted = join.slots[i];
    if (wanted.form == Form::Number && slots_[i].form != Form::Number) {
      boxed_.insert({offset, i});
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

void Emitter::first_edge(std::uint32_t offset, Join &join) {
  llvm::BasicBlock *from = builder_->GetInsertBlock();
  join.is_reached = true;
  join.block = block(join.is_loop ? "loop" : "join");
  reached_.push_back(offset);
  for (std::size_t i = 0; i != slots_.size(); ++i) {
    const bool is_number =
        slots_[i].form == Form::Number && !boxed_.contains({offset, std::uint32_t(i)}) && !is_captured(i);
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

void Emitter::go_to(std::uint32_t offset) {
  prepare_edge(offset);
  if (must_repeat_)
    return;
  builder_->CreateBr(joins_[offset].block);
}

/// To `target` if `falsehood`, else to the next instruction.
void Emitter::conditional_jump(std::uint32_t target, llvm::Value *falsehood) {
  prepare_edge(target);
  if (must_repeat_)
    return;
  llvm::BasicBlock *next = block("next");
  builder_->CreateCondBr(falsehood, joins_[target].block, next);
  builder_->SetInsertPoint(next);
}

/// From one join to the next, or to the end of a way.
void Emitter::emit_from(std::uint32_t offset) {
  for (bool is_first = true;; is_first = false) {
    if (must_repeat_)
      return;
    if (!is_first && joins_.contains(offset))
      return go_to(offset);
    offset_ = offset;
    if (!instruction(offset))
      return;
    offset += std::uint32_t(length_of(*plan_.code, offset));
  }
}

/// The interpreter goes on with this instruction. The block ends here; the state is not changed.
void Emitter::leave() {
  const std::vector<Slot> before = slots_;
  flush();
  builder_->CreateRet(
      call_host("lox.leave", i64(), {base_, code_pointer(), here(), builder_->getInt32(std::uint32_t(slots_.size()))}));
  slots_ = before;
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

llvm::Value *Emitter::pointer(const void *address) {
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
  builder_->CreateCondBr(condition, likely, unlikely, llvm::MDBuilder(context_()).createLikelyBranchWeights());
}

llvm::CallInst *Emitter::call_host(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments) {
  llvm::SmallVector<llvm::Type *> types;
  for (llvm::Value *argument : arguments)
    types.push_back(argument->getType());
  return builder_->CreateCall(module_->getOrInsertFunction(name, llvm::FunctionType::get(result, types, false)),
                              arguments);
}

/// Our line goes into the trace, and the error to our caller.
void Emitter::fail(llvm::Value *) { builder_->CreateRet(call_host("lox.unwind", i64(), {code_pointer(), here()})); }

void Emitter::check_error(llvm::Value *result) {
  llvm::BasicBlock *good = block("good"), *bad = block("bad");
  branch(builder_->CreateICmpNE(result, word(Value::error_bits)), good, bad);
  builder_->SetInsertPoint(bad);
  fail(result);
  builder_->SetInsertPoint(good);
}

} // namespace lox
