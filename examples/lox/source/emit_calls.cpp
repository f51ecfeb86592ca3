// Calls: of what was met before, straight to the function, or in its place; of anything else by the runtime function that the interpreter
// uses. All ways meet behind the call.
#include "emitter.h"

#include "operations.h"

#include <llvm/IR/MDBuilder.h>

namespace lox {
namespace {

constexpr std::uint32_t behind_mark = UINT32_MAX; ///< in a Place
constexpr std::size_t most_inlined_bytes = 1500, largest_inlined = 250, small = 60;
constexpr int most_inlined_depth = 6, most_inlined_recursion = 2;

/// Calls by the stack alone: no closures, classes or loops, which need more of a frame.
bool is_simple(const Code &code) {
  for (std::size_t offset = 0; offset < code.bytes.size(); offset += length_of(code, offset)) {
    switch (Op(code.bytes[offset])) {
    case Op::Loop:
    case Op::Closure:
    case Op::CloseUpvalue:
    case Op::Class:
    case Op::Inherit:
    case Op::Method: return false;
    default: break;
    }
  }
  return true;
}

} // namespace

/// The result of a call that may have collected: operands go, objects have moved.
void Emitter::finish_call(std::size_t operands, llvm::Value *result) {
  check_error(result);
  pop(operands);
  forget_objects();
  push(result);
}

/// The same of an operation that notes what it met.
void Emitter::finish_slow(std::size_t operands, llvm::Value *result) {
  check_error(result);
  leave_if_outdated(operands, result);
  pop(operands);
  forget_objects();
  push(result);
}

/// From a call that may have collected to what is behind it.
void Emitter::go_after(std::size_t base, llvm::Value *result, Join &after) {
  slots_.resize(base);
  forget_objects();
  push(result);
  expect_number_result(after);
  go_to(after);
}

/// The callee in place returns numbers, and this way has to do the same; or else the interpreter goes on.
void Emitter::expect_number_result(Join &after) {
  if (!after.is_reached || after.slots.back().form != Form::Number || is_generic())
    return;
  llvm::Value *value = at(0).value;
  llvm::BasicBlock *good = block("number"), *bad = block("other");
  branch(builder_->CreateICmpULE(value, word(Value::greatest_number)), good, bad);
  builder_->SetInsertPoint(bad);
  leave(next_offset());
  builder_->SetInsertPoint(good);
  unbox(value, builder_->CreateBitCast(value, builder_->getDoubleTy()));
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
    target = load(ptr(), pointer(&callee->entry), Memory::Any);
  return builder_->CreateCall(type, target, {address(base), pointer(callee)});
}

bool Emitter::can_inline(const Code &callee) const {
  int depth = 0, recursion = 0;
  for (const Scope *scope = scope_; scope; scope = scope->outer) {
    ++depth;
    recursion += scope->code == &callee;
  }
  return callee.bytes.size() <= largest_inlined && inlined_bytes_ + callee.bytes.size() <= most_inlined_bytes &&
         depth <= most_inlined_depth && recursion <= (callee.bytes.size() <= small ? most_inlined_recursion : 1) &&
         is_simple(callee);
}

void Emitter::inline_call(Code *callee, std::size_t base, Join &after) {
  Scope &scope = scopes_.emplace_back();
  scope.code = callee;
  scope.outer = scope_;
  scope.base = base;
  scope.path = scope_->path;
  scope.path.push_back(scope_->offset);
  scope.path.push_back(callee->id);
  scope.call = scope_->offset;
  scope.after = &after;
  begin_scope(scope);
  inlined_bytes_ += callee->bytes.size();
  slots_needed_ = std::max(slots_needed_, base + std::size_t(callee->slots));
  scope_ = &scope;
  emit_from(0, true);
  scope_ = scope.outer;
}

/// Memory for an object; if there is not enough, somebody has to collect.
llvm::Value *Emitter::allocate(std::size_t bytes, llvm::BasicBlock *collect) {
  llvm::BasicBlock *fast = block("room");
  llvm::Value *made = load(ptr(), pointer(machine_.heap.next()), Memory::Global);
  llvm::Value *end = field(made, bytes);
  branch(builder_->CreateICmpULE(end, load(ptr(), pointer(machine_.heap.limit()), Memory::Global)), fast, collect);
  builder_->SetInsertPoint(fast);
  store(end, pointer(machine_.heap.next()), Memory::Global);
  return made;
}

/// An object without fields takes the place of the class.
void Emitter::make_instance(const Shape *shape, std::size_t base) {
  const auto make_slow = [&] { return call_host("lox.instantiate", i64(), {top(), address(base)}); };
  const bool is_written = slots_[base].is_written;
  llvm::Value *instance = nullptr;
  if (machine_.heap.is_stressed()) {
    flush();
    instance = make_slow();
    forget_objects();
  } else {
    llvm::BasicBlock *slow = block("collect");
    llvm::Value *type = object_of(boxed(base));
    llvm::Value *made = allocate(size_of(Kind::Instance, shape->capacity), slow);
    store(word(Object::header_of(Kind::Instance, shape->capacity)), made, Memory::Word);
    store(pointer(shape), field(made, offsetof(Instance, shape)), Memory::Word);
    store(type, field(made, offsetof(Instance, type)), Memory::Word);
    store(llvm::ConstantPointerNull::get(builder_->getPtrTy()), field(made, offsetof(Instance, overflow)),
          Memory::Word);
    llvm::Value *value = builder_->CreateOr(builder_->CreatePtrToInt(made, i64()), word(Value::object_tag));
    instance = join_slow({{value, builder_->GetInsertBlock()}}, 0, slow, make_slow, CanFail::No);
  }
  slots_[base] = {instance, Form::Boxed, false, is_written};
}

void Emitter::call_target(const Target &target, std::size_t base, std::uint32_t arguments, llvm::Value *tested,
                          Join &after) {
  slots_.resize(base + arguments + 1);
  if (target.instance)
    make_instance(target.instance, base);
  Code *callee = target.code;
  if (!callee) { // an instance of a class without initialiser
    const Slot instance = slots_[base];
    slots_.resize(base);
    push(instance.value);
    return go_to(after);
  }
  if (callee->is_method()) {
    llvm::Value *closure = word(Value::nil_bits); // without variables from outside it is not needed
    if (callee->upvalue_count != 0) {
      llvm::Value *object = object_of(target.is_super ? tested : boxed(base));
      llvm::Value *type = target.is_super ? object : load(ptr(), field(object, offsetof(Instance, type)), Memory::Word);
      const std::size_t entry = offsetof(Methods, entries) + std::size_t(target.method) * sizeof(Methods::Entry);
      closure = target.instance ? load(i64(), field(type, offsetof(Class, initializer)), Memory::Word)
                                : load(i64(),
                                       field(load(ptr(), field(type, offsetof(Class, methods)), Memory::Word),
                                             entry + offsetof(Methods::Entry, closure)),
                                       Memory::Word);
    }
    push(closure);
  }
  if (can_inline(*callee))
    return inline_call(callee, base, after);
  flush(base);
  llvm::Value *result = enter(callee, base);
  check_error(result);
  go_after(base, result, after);
}

Emitter::Join &Emitter::join_behind_call() {
  Join &after = calls_.emplace_back();
  after.kind = Join::Kind::Behind;
  after.scope = scope_;
  after.offset = next_offset();
  after.place = scope_->path;
  after.place.push_back(scope_->offset);
  after.place.push_back(behind_mark);
  return after;
}

/// False: what is behind the call is emitted later.
bool Emitter::call_targets(std::size_t base, std::uint32_t arguments, std::size_t tested, const Cache &cache,
                           const std::vector<Target> &targets, llvm::function_ref<llvm::Value *()> make_slow) {
  Join &after = join_behind_call();
  llvm::BasicBlock *slow = block("other_callee");
  if (!targets.empty() && slots_[tested].form == Form::Boxed) {
    llvm::Value *value = boxed(tested);
    const std::vector<Slot> before = slots_;
    llvm::BasicBlock *object_block = block("object");
    branch(is_object(value), object_block, slow);
    builder_->SetInsertPoint(object_block);
    llvm::Value *identity = identity_of(object_of(value));
    for (const Target &target : targets) {
      llvm::BasicBlock *hit = block("callee"), *miss = block("next_callee");
      branch(builder_->CreateICmpEQ(identity, pointer(target.identity)), hit, miss);
      builder_->SetInsertPoint(hit);
      call_target(target, base, arguments, value, after);
      if (must_repeat_)
        return false;
      slots_ = before;
      builder_->SetInsertPoint(miss);
    }
  }
  builder_->CreateBr(slow);
  builder_->SetInsertPoint(slow);
  if (expects_no_others(cache) && targets.size() == cache.used && slots_[tested].form == Form::Boxed) {
    leave();
    return false;
  }
  flush(base);
  llvm::Value *result = make_slow();
  check_error(result);
  leave_if_outdated(slots_.size() - base, result);
  if (!must_repeat_)
    go_after(base, result, after);
  return false;
}

bool Emitter::call() {
  const std::uint32_t count = byte(1);
  const Cache &cache = this->cache(2);
  const std::size_t base = slots_.size() - count - 1;
  std::vector<Target> targets;
  for (int i = 0; i != cache.used; ++i) {
    const Cache::Entry &entry = cache.entries[i];
    const bool is_class = entry.is_method;
    if (entry.callee ? entry.callee->arity != int(count) || (!is_class && entry.callee->is_method()) : count != 0)
      continue; // an error, or a bound method's
    const Shape *shape = is_class ? static_cast<const ClassInfo *>(entry.identity)->root : nullptr;
    targets.push_back({entry.identity, entry.callee, -1, false, shape});
  }
  return call_targets(base, count, base, cache, targets, [&] {
    return call_host("lox.call", i64(), {top(), builder_->getInt32(count), pointer(&cache), root()});
  });
}

bool Emitter::invoke() {
  const std::uint32_t count = byte(3);
  const Cache &cache = this->cache(4);
  const std::size_t base = slots_.size() - count - 1;
  std::vector<Target> targets;
  for (int i = 0; i != cache.used; ++i)
    if (cache.entries[i].callee->arity == int(count))
      targets.push_back({cache.entries[i].identity, cache.entries[i].callee, cache.entries[i].index, false, nullptr});
  return call_targets(base, count, base, cache, targets, [&] {
    return call_host("lox.invoke", i64(), {top(), builder_->getInt32(count), symbol(1), pointer(&cache), root()});
  });
}

bool Emitter::super_invoke() {
  const std::uint32_t count = byte(3);
  const Cache &cache = this->cache(4);
  const std::size_t base = slots_.size() - count - 2;
  std::vector<Target> targets;
  for (int i = 0; i != cache.used; ++i)
    if (cache.entries[i].callee->arity == int(count))
      targets.push_back({cache.entries[i].identity, cache.entries[i].callee, cache.entries[i].index, true, nullptr});
  return call_targets(base, count, slots_.size() - 1, cache, targets, [&] {
    return call_host("lox.super_invoke", i64(), {top(), builder_->getInt32(count), symbol(1), pointer(&cache), root()});
  });
}

} // namespace lox
