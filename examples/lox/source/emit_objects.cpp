// Fields, by the shapes that were met; and ways that meet again.
#include "emitter.h"

#include <llvm/IR/MDBuilder.h>

namespace lox {

llvm::Value *Emitter::identity_of(llvm::Value *object) { return load(ptr(), field(object, 8), Memory::Word); }

llvm::Value *Emitter::join(const std::vector<Way> &ways) {
  if (ways.size() == 1)
    return ways.front().value;
  auto *phi = builder_->CreatePHI(ways.front().value->getType(), unsigned(ways.size()));
  for (auto [value, from] : ways)
    phi->addIncoming(value, from);
  return phi;
}

/// `fast` ways end in blocks without a terminator, where nothing has been called. In `slow` something is called that may collect, so what
/// may be an object is stored before and read again afterwards, there alone. Pops the operands and returns the result.
llvm::Value *Emitter::join_slow(std::vector<Way> fast, std::size_t operands, llvm::BasicBlock *slow,
                                llvm::function_ref<llvm::Value *()> make_slow, CanFail can_fail) {
  llvm::BasicBlock *joined = block("joined");
  for (auto [value, from] : fast) {
    builder_->SetInsertPoint(from);
    builder_->CreateBr(joined);
  }
  std::vector<Slot> before = slots_;
  builder_->SetInsertPoint(slow);
  flush(slots_.size() - operands);
  llvm::Value *result = make_slow();
  if (can_fail == CanFail::Yes) {
    check_error(result);
    leave_if_outdated(operands, result);
  }
  slots_ = before;
  slots_.resize(slots_.size() - operands);
  std::vector<std::pair<std::size_t, llvm::Value *>> again;
  for (std::size_t i = 0; i != slots_.size(); ++i)
    if (slots_[i].form == Form::Boxed && slots_[i].value && !llvm::isa<llvm::Constant>(slots_[i].value))
      again.push_back({i, load(i64(), address(i), Memory::Stack)});
  slow = builder_->GetInsertBlock();
  builder_->CreateBr(joined);
  builder_->SetInsertPoint(joined);
  std::vector<Way> results = fast;
  results.push_back({result, slow});
  llvm::Value *joined_result = join(results);
  for (auto [slot, value] : again) {
    std::vector<Way> ways{{value, slow}};
    for (auto [_, from] : fast)
      ways.push_back({slots_[slot].value, from});
    slots_[slot].value = join(ways);
  }
  return joined_result;
}

llvm::Value *Emitter::field_address(llvm::Value *object, const Shape *shape, std::int32_t index) {
  if (std::uint32_t(index) < shape->capacity)
    return field(object, offsetof(Instance, slots) + 8 * std::size_t(index));
  llvm::Value *overflow = load(ptr(), field(object, offsetof(Instance, overflow)), Memory::Word);
  return field(overflow, offsetof(Array, values) + 8 * (std::size_t(index) - shape->capacity));
}

void Emitter::get_field() {
  const Cache &cache = this->cache(3);
  const auto make_slow = [&] { return call_host("lox.get_field", i64(), {top(), symbol(1), pointer(&cache), root()}); };
  if (cache.used == 0 || at(0).form != Form::Boxed) {
    flush(index(0));
    return finish_slow(1, make_slow());
  }
  llvm::Value *value = boxed(index(0));
  llvm::BasicBlock *slow = block("other_shape"), *object_block = block("object");
  branch(is_object(value), object_block, slow);
  builder_->SetInsertPoint(object_block);
  llvm::Value *object = object_of(value), *shape = identity_of(object);
  std::vector<Way> fast;
  for (int i = 0; i != cache.used; ++i) {
    const Cache::Entry &entry = cache.entries[i];
    llvm::BasicBlock *hit = block("shape"), *miss = i + 1 == cache.used ? slow : block("next_shape");
    branch(builder_->CreateICmpEQ(shape, pointer(entry.identity)), hit, miss);
    builder_->SetInsertPoint(hit);
    fast.push_back(
        {load(i64(), field_address(object, static_cast<const Shape *>(entry.identity), entry.index), Memory::Field),
         hit});
    builder_->SetInsertPoint(miss);
  }
  if (expects_no_others(cache)) {
    builder_->SetInsertPoint(slow);
    leave();
    llvm::Value *result = join_ways(fast);
    pop();
    return push(result);
  }
  llvm::Value *result = join_slow(fast, 1, slow, make_slow);
  push(result);
}

/// Where few kinds of objects were met so far, no way on has called anything, and what is known of objects stays known.
bool Emitter::expects_no_others(const Cache &cache) const { return cache.used != 0 && !cache.is_full && !is_generic(); }

llvm::Value *Emitter::join_ways(const std::vector<Way> &ways) {
  if (ways.size() == 1) {
    builder_->SetInsertPoint(ways.front().from);
    return ways.front().value;
  }
  llvm::BasicBlock *joined = block("joined");
  for (auto [value, from] : ways) {
    builder_->SetInsertPoint(from);
    builder_->CreateBr(joined);
  }
  builder_->SetInsertPoint(joined);
  return join(ways);
}

/// By the shapes that were met, but for those that would need more room; objects of `other` ones go there.
std::vector<Emitter::Way> Emitter::store_in_known(const Cache &cache, llvm::Value *object, llvm::Value *value,
                                                  llvm::BasicBlock *other) {
  llvm::Value *shape = identity_of(object);
  std::vector<Way> ways;
  for (int i = 0; i != cache.used; ++i) {
    const Cache::Entry &entry = cache.entries[i];
    const auto *known = static_cast<const Shape *>(entry.identity);
    if (entry.next != known && std::uint32_t(entry.index) >= known->capacity)
      continue;
    llvm::BasicBlock *hit = block("shape"), *miss = block("next_shape");
    branch(builder_->CreateICmpEQ(shape, pointer(known)), hit, miss);
    builder_->SetInsertPoint(hit);
    if (entry.next != known)
      store(pointer(entry.next), field(object, 8), Memory::Word);
    store(value, field_address(object, known, entry.index), Memory::Field);
    ways.push_back({value, hit});
    builder_->SetInsertPoint(miss);
  }
  builder_->CreateBr(other);
  return ways;
}

void Emitter::set_field() {
  const Cache &cache = this->cache(3);
  const auto make_slow = [&] { return call_host("lox.set_field", i64(), {top(), symbol(1), pointer(&cache), root()}); };
  if (at(1).form != Form::Boxed || cache.used == 0) {
    flush(index(1));
    return finish_slow(2, make_slow());
  }
  llvm::Value *value = boxed(index(0)), *target = boxed(index(1));
  const Slot stored = at(0);
  llvm::BasicBlock *slow = block("other_shape"), *object_block = block("object");
  branch(is_object(target), object_block, slow);
  builder_->SetInsertPoint(object_block);
  const std::vector<Way> fast = store_in_known(cache, object_of(target), value, slow);
  if (expects_no_others(cache) && fast.size() == cache.used) {
    builder_->SetInsertPoint(slow);
    leave();
    join_ways(fast);
    pop(2);
    return push(stored.value ? stored.value : value, stored.form);
  }
  llvm::Value *result = join_slow(fast, 2, slow, make_slow);
  if (stored.form == Form::Boxed)
    push(result);
  else
    push(stored.value, stored.form);
}

} // namespace lox
