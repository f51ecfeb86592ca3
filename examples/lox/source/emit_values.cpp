// Arithmetic, comparisons and variables.
#include "emitter.h"

#include "operations.h"

#include <llvm/IR/MDBuilder.h>

namespace lox {

/// From here on the value is known to be a number, wherever it is held.
void Emitter::unbox(llvm::Value *value, llvm::Value *as_number) {
  for (std::size_t i = 0; i != slots_.size(); ++i)
    if (slots_[i].value == value)
      slots_[i] = {as_number, Form::Number, slots_[i].is_stored, slots_[i].is_written};
}

/// What is so from here on; else the interpreter goes on with this instruction.
void Emitter::guard(llvm::Value *condition) {
  llvm::BasicBlock *good = block("expected"), *bad = block("unexpected");
  branch(condition, good, bad);
  builder_->SetInsertPoint(bad);
  leave();
  builder_->SetInsertPoint(good);
}

/// The operand as a double; anything else ends the function with an error.
llvm::Value *Emitter::number(int from_top) {
  if (at(from_top).form == Form::Number)
    return at(from_top).value;
  llvm::Value *value = boxed(index(from_top));
  llvm::BasicBlock *good = block("number"), *bad = operand_error_block();
  branch(builder_->CreateICmpULE(value, word(Value::greatest_number)), good, bad);
  builder_->SetInsertPoint(good);
  llvm::Value *as_number = builder_->CreateBitCast(value, builder_->getDoubleTy());
  unbox(value, as_number);
  return as_number;
}

llvm::Value *Emitter::falsehood(int from_top) {
  switch (at(from_top).form) {
  case Form::Number: return builder_->getFalse();
  case Form::Truth: return builder_->CreateNot(at(from_top).value);
  case Form::Boxed: break;
  }
  return builder_->CreateICmpEQ(builder_->CreateAnd(boxed(index(from_top)), word(~std::uint64_t(1))),
                                word(Value::false_bits));
}

void Emitter::arithmetic(Op op) {
  llvm::Value *left = number(1), *right = number(0);
  llvm::Value *result = nullptr;
  Form form = Form::Number;
  switch (op) {
  case Op::Subtract: result = builder_->CreateFSub(left, right); break;
  case Op::Multiply: result = builder_->CreateFMul(left, right); break;
  case Op::Divide: result = builder_->CreateFDiv(left, right); break;
  default:
    result = op == Op::Less ? builder_->CreateFCmpOLT(left, right) : builder_->CreateFCmpOGT(left, right);
    form = Form::Truth;
  }
  pop(2);
  push(result, form);
}

void Emitter::add() {
  const Cache &cache = this->cache(1);
  const bool are_numbers = at(0).form == Form::Number && at(1).form == Form::Number;
  const bool is_wrong = at(0).form == Form::Truth || at(1).form == Form::Truth;
  if (!are_numbers && (is_generic() || cache.met_others || !cache.met_numbers || is_wrong))
    return add_numbers_or_strings(cache);
  for (int i = 0; i != 2; ++i) { // what was never anything but a number is one, or the interpreter goes on
    if (at(i).form == Form::Number)
      continue;
    llvm::Value *value = boxed(index(i));
    guard(builder_->CreateICmpULE(value, word(Value::greatest_number)));
    unbox(value, builder_->CreateBitCast(value, builder_->getDoubleTy()));
  }
  llvm::Value *sum = builder_->CreateFAdd(at(1).value, at(0).value);
  pop(2);
  push(sum, Form::Number);
}

void Emitter::add_numbers_or_strings(const Cache &cache) {
  const auto make_slow = [&] { return call_host("lox.add", i64(), {top(), pointer(&cache), root()}); };
  if (cache.met_others && !cache.met_numbers)
    return join_strings(cache);
  llvm::Value *left = boxed(index(1)), *right = boxed(index(0));
  llvm::BasicBlock *fast = block("numbers"), *slow = block("others");
  llvm::Value *greatest = word(Value::greatest_number);
  builder_->CreateCondBr(
      builder_->CreateAnd(builder_->CreateICmpULE(left, greatest), builder_->CreateICmpULE(right, greatest)), fast,
      slow);
  builder_->SetInsertPoint(fast);
  llvm::Type *real = builder_->getDoubleTy();
  llvm::Value *sum = builder_->CreateFAdd(builder_->CreateBitCast(left, real), builder_->CreateBitCast(right, real));
  llvm::Value *result = join_slow({{builder_->CreateBitCast(sum, i64()), fast}}, 2, slow, make_slow);
  push(result);
}

/// Long ones become a rope, which is made here.
void Emitter::join_strings(const Cache &cache) {
  const auto make_slow = [&] { return call_host("lox.concatenate", i64(), {top(), pointer(&cache)}); };
  if (machine_.heap.is_stressed() || at(0).form != Form::Boxed || at(1).form != Form::Boxed) {
    flush(index(1));
    return finish_call(2, make_slow());
  }
  llvm::Value *left = boxed(index(1)), *right = boxed(index(0));
  llvm::BasicBlock *objects = block("objects"), *strings = block("strings"), *room = block("long"),
                   *slow = block("others");
  builder_->CreateCondBr(builder_->CreateAnd(is_object(left), is_object(right)), objects, slow);
  builder_->SetInsertPoint(objects);
  const auto is_string = [&](llvm::Value *object) {
    static_assert(int(Kind::String) == 0 && int(Kind::Rope) == 1);
    llvm::Value *kind = builder_->CreateAnd(load(i64(), object, Memory::Word), word(0xff & ~std::uint64_t(2)));
    return builder_->CreateICmpEQ(kind, word(Object::header_of(Kind::String, 0)));
  };
  llvm::Value *left_object = object_of(left), *right_object = object_of(right);
  builder_->CreateCondBr(builder_->CreateAnd(is_string(left_object), is_string(right_object)), strings, slow);
  builder_->SetInsertPoint(strings);
  const auto length_of_text = [&](llvm::Value *object) {
    return load(i64(), field(object, offsetof(String, length)), Memory::Word);
  };
  llvm::Value *length = builder_->CreateAdd(length_of_text(left_object), length_of_text(right_object));
  builder_->CreateCondBr(builder_->CreateICmpUGT(length, word(longest_copied)), room, slow);
  builder_->SetInsertPoint(room);
  llvm::Value *rope = allocate(sizeof(Rope), slow);
  store(word(Object::header_of(Kind::Rope, 0)), rope, Memory::Word);
  store(length, field(rope, offsetof(Rope, length)), Memory::Word);
  store(left, field(rope, offsetof(Rope, left)), Memory::Field);
  store(right, field(rope, offsetof(Rope, right)), Memory::Field);
  llvm::Value *value = builder_->CreateOr(builder_->CreatePtrToInt(rope, i64()), word(Value::object_tag));
  llvm::Value *joined = join_slow({{value, builder_->GetInsertBlock()}}, 2, slow, make_slow);
  push(joined);
}

void Emitter::equal() {
  llvm::Value *truth = nullptr;
  const auto is_plain = [&](const Slot &slot) { // equal if the bits are
    return slot.form == Form::Truth || (slot.form == Form::Boxed && llvm::isa_and_nonnull<llvm::Constant>(slot.value));
  };
  if (at(0).form == Form::Number && at(1).form == Form::Number)
    truth = builder_->CreateFCmpOEQ(at(1).value, at(0).value);
  else if (is_plain(at(0)) || is_plain(at(1)))
    truth = builder_->CreateICmpEQ(boxed(index(1)), boxed(index(0)));
  else
    return equal(boxed(index(1)), boxed(index(0)));
  pop(2);
  push(truth, Form::Truth);
}

/// Objects whose second words differ are not the same, and no strings of the same length.
void Emitter::equal(llvm::Value *left, llvm::Value *right) {
  llvm::BasicBlock *objects = block("objects"), *others = block("others"), *alike = block("alike"),
                   *differ = block("differ");
  builder_->CreateCondBr(builder_->CreateAnd(is_object(left), is_object(right)), objects, others);
  builder_->SetInsertPoint(objects);
  llvm::Value *left_identity = identity_of(object_of(left)), *right_identity = identity_of(object_of(right));
  builder_->CreateCondBr(builder_->CreateICmpEQ(left_identity, right_identity), alike, differ);
  builder_->SetInsertPoint(others);
  llvm::Type *real = builder_->getDoubleTy();
  llvm::Value *are_numbers = builder_->CreateICmpULE(left, word(Value::greatest_number));
  llvm::Value *same_number =
      builder_->CreateFCmpOEQ(builder_->CreateBitCast(left, real), builder_->CreateBitCast(right, real));
  llvm::Value *same = builder_->CreateSelect(are_numbers, same_number, builder_->CreateICmpEQ(left, right));
  const auto make_slow = [&] { // ropes become strings for that
    llvm::CallInst *are_equal = call_host("lox.equal", builder_->getInt1Ty(), {top()});
    are_equal->addRetAttr(llvm::Attribute::ZExt);
    return are_equal;
  };
  llvm::Value *truth = join_slow({{builder_->getFalse(), differ}, {same, others}}, 2, alike, make_slow, CanFail::No);
  push(truth, Form::Truth);
}

void Emitter::check_defined(llvm::Value *value, std::uint32_t global) {
  llvm::BasicBlock *good = block("defined"), *bad = undefined_block(global);
  branch(builder_->CreateICmpNE(value, word(Value::undefined_bits)), good, bad);
  builder_->SetInsertPoint(good);
}

void Emitter::get_global(std::uint32_t global) {
  llvm::Value *value = load(i64(), pointer(&machine_.globals[global]), Memory::Global);
  check_defined(value, global);
  push(value);
}

void Emitter::set_global(std::uint32_t global) {
  llvm::Value *place = pointer(&machine_.globals[global]);
  check_defined(load(i64(), place, Memory::Global), global);
  store(boxed(index(0)), place, Memory::Global);
}

/// Where a variable of an enclosing function is.
llvm::Value *Emitter::upvalue(int index) {
  llvm::Value *closure = object_of(boxed(scope_->base + std::size_t(scope_->code->closure_slot())));
  llvm::Value *upvalue =
      load(ptr(), field(closure, offsetof(Closure, upvalues) + 8 * std::size_t(index)), Memory::Word);
  return load(ptr(), field(upvalue, offsetof(Upvalue, location)), Memory::Word);
}

} // namespace lox
