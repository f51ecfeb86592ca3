// From bytecode to LLVM IR.
//
// The emitter goes through the bytecode once and keeps, for each slot of the frame, where its value is: in memory (the machine's
// stack), in a register, or both; boxed, or as a double or a truth that is known to be one. Numbers stay in registers. What may be an
// object is written to its slot before anything is called that may collect, and read again afterwards, since the object may have moved:
//
//     between calls      values are SSA
//     at a call          memory [base, top) holds a value in each slot: what the collector reads and updates
//
// Where ways join, the first one to come decides how each slot is held. If a later one cannot deliver a number (the back edge of a loop
// that adds strings), that is noted and the function is emitted anew.
#pragma once

#include "machine.h"

#include <llvm/ExecutionEngine/Orc/ThreadSafeModule.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>
#include <set>

namespace lox {

/// What is to be emitted.
struct Plan {
  Code *code;
  std::uint32_t offset; ///< where it begins: 0, or the head of a loop
  std::uint32_t height; ///< values in the frame there
  std::vector<bool> numbers; ///< slots that are expected to hold numbers; shorter: the rest is not
  std::string name;

  /// Expects what is there now.
  void observe(const Value *base);
};

llvm::orc::ThreadSafeModule emit(Machine &machine, const Plan &plan);

class Emitter {
public:
  Emitter(Machine &machine, const Plan &plan, std::set<std::pair<std::uint32_t, std::uint32_t>> &boxed);

  /// Null: `boxed` has grown, try again.
  std::unique_ptr<llvm::Module> run(llvm::LLVMContext &context);

private:
  enum class Form : std::uint8_t { Boxed, Number, Truth };
  struct Slot {
    llvm::Value *value = nullptr; ///< i64, double or i1; null: only in memory
    Form form = Form::Boxed;
    bool is_stored = true; ///< memory holds the same
    bool is_written = true; ///< memory holds some value that the collector may look at
  };
  /// Where ways join.
  struct Join {
    llvm::BasicBlock *block = nullptr;
    bool is_loop = false, is_reached = false;
    std::vector<Slot> slots; ///< their values are phis, or null
  };
  enum class Memory : std::uint8_t { Stack, Field, Word, Global, Any };

  // Frame (emitter.cpp)
  llvm::Value *address(std::size_t slot);
  llvm::Value *top() { return address(slots_.size()); }
  Slot &at(int from_top) { return slots_[slots_.size() - 1 - std::size_t(from_top)]; }
  std::size_t index(int from_top) const { return slots_.size() - 1 - std::size_t(from_top); }
  void push(llvm::Value *value, Form form = Form::Boxed) { slots_.push_back({value, form, false, false}); }
  void pop(std::size_t count = 1) { slots_.resize(slots_.size() - count); }
  llvm::Value *boxed(std::size_t slot);
  llvm::Value *box(const Slot &slot);
  void flush(std::size_t first = 0);
  void store(std::size_t slot, Slot &state);
  void forget_objects();
  bool is_captured(std::size_t slot) const { return plan_.code->captured[slot]; }

  // Ways (emitter.cpp)
  void begin();
  void expect_numbers();
  void find_joins();
  void go_to(std::uint32_t offset);
  void prepare_edge(std::uint32_t offset);
  void first_edge(std::uint32_t offset, Join &join);
  void emit_from(std::uint32_t offset);
  bool instruction(std::uint32_t offset);
  llvm::BasicBlock *block(const char *name) { return llvm::BasicBlock::Create(context_(), name, function_); }
  void branch(llvm::Value *condition, llvm::BasicBlock *likely, llvm::BasicBlock *unlikely);
  void conditional_jump(std::uint32_t target, llvm::Value *falsehood);
  void leave();

  // Values (emit_values.cpp)
  llvm::Value *number(int from_top);
  void unbox(llvm::Value *value, llvm::Value *as_number);
  llvm::Value *falsehood(int from_top);
  void arithmetic(Op op);
  void add();
  void add_numbers_or_strings(const Cache &cache);
  void equal();
  void get_global(std::uint32_t global);
  void set_global(std::uint32_t global);
  llvm::Value *upvalue(int index);
  void check_defined(llvm::Value *value, std::uint32_t global);

  // Objects and calls (emit_objects.cpp, emit_calls.cpp)
  void get_field();
  void set_field();
  llvm::Value *field_address(llvm::Value *object, const Shape *shape, std::int32_t index);
  void call();
  void invoke();
  void super_invoke();
  llvm::Value *identity_of(llvm::Value *object);
  llvm::Value *enter(Code *callee, std::size_t base);
  void finish_call(std::size_t operands, llvm::Value *result);
  struct Way {
    llvm::Value *value;
    llvm::BasicBlock *from;
  };
  /// A way on which runtime code may move objects meets those on which nothing happened.
  llvm::Value *join_slow(std::vector<Way> fast, std::size_t operands, llvm::BasicBlock *slow,
                         llvm::function_ref<llvm::Value *()> make_slow);
  llvm::Value *join(const std::vector<Way> &ways);

  // Small things (emitter.cpp)
  llvm::LLVMContext &context_() { return module_->getContext(); }
  llvm::Value *word(std::uint64_t bits) { return builder_->getInt64(bits); }
  llvm::Value *pointer(const void *address);
  llvm::Value *load(llvm::Type *type, llvm::Value *from, Memory memory);
  void store(llvm::Value *value, llvm::Value *to, Memory memory);
  llvm::Value *field(llvm::Value *object, std::size_t bytes);
  llvm::Value *object_of(llvm::Value *value);
  llvm::Value *is_object(llvm::Value *value);
  llvm::CallInst *call_host(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments);
  void check_error(llvm::Value *result);
  void fail(llvm::Value *result);
  llvm::Type *i64() { return builder_->getInt64Ty(); }
  llvm::Type *i32() { return builder_->getInt32Ty(); }
  llvm::Type *ptr() { return builder_->getPtrTy(); }
  llvm::Value *code_pointer() { return pointer(plan_.code); }
  llvm::Value *here() { return builder_->getInt32(offset_); }
  std::uint32_t operand(std::size_t at) const { return plan_.code->two_bytes(offset_ + at); }
  std::uint32_t byte(std::size_t at) const { return plan_.code->bytes[offset_ + at]; }

  Machine &machine_;
  const Plan &plan_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> &boxed_;
  bool must_repeat_ = false;
  std::unique_ptr<llvm::Module> module_;
  std::unique_ptr<llvm::IRBuilder<>> builder_;
  llvm::Function *function_ = nullptr;
  llvm::Value *base_ = nullptr;
  std::map<Memory, llvm::MDNode *> memories_;
  std::map<std::uint32_t, Join> joins_;
  std::vector<std::uint32_t> reached_; ///< joins whose code is not emitted yet
  std::vector<Slot> slots_;
  std::uint32_t offset_ = 0; ///< of the instruction
};

} // namespace lox
