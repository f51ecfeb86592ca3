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
//
// Small callees are emitted in place (Scope), in the slots where their frame would be. So arguments and results stay in registers, and
// if the interpreter has to take over, it gets the callee's frame alone: our code goes on with its result.
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

/// Ways that are emitted so far: where slots turned out to hold other things than numbers. A place is the offsets of the calls that lead
/// there, and its own.
using Place = std::vector<std::uint32_t>;
using BoxedSlots = std::set<std::pair<Place, std::size_t>>;

class Emitter {
public:
  Emitter(Machine &machine, const Plan &plan, BoxedSlots &boxed);

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
  struct Scope;
  /// Where ways join.
  struct Join {
    enum class Kind : std::uint8_t {
      At, ///< an instruction
      Behind, ///< a call; the next instruction may be a join itself
      Leave, ///< the way to the interpreter
    };
    Kind kind = Kind::At;
    Scope *scope = nullptr;
    std::uint32_t offset = 0;
    Place place;
    bool is_loop = false, is_reached = false;
    llvm::BasicBlock *block = nullptr;
    std::vector<Slot> slots; ///< their values are phis, or null
    llvm::PHINode *where = nullptr, *height = nullptr, *counts = nullptr; ///< Leave
  };
  /// Where an error in a scope goes, from any instruction.
  struct ErrorBlock {
    llvm::BasicBlock *block = nullptr;
    llvm::PHINode *offset = nullptr, *detail = nullptr;
  };
  /// A function, or a callee in its place.
  struct Scope {
    Code *code = nullptr;
    Scope *outer = nullptr;
    std::size_t base = 0; ///< its slot 0
    Place path; ///< offsets of the calls that lead here
    std::uint32_t call = 0; ///< offset in `outer`
    std::uint32_t offset = 0; ///< of the instruction that is being emitted
    std::map<std::uint32_t, Join> joins;
    Join *after = nullptr; ///< behind the call
    Join leave;
    ErrorBlock error, operands, undefined;
  };
  enum class CanFail : bool { No, Yes };
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
  bool is_captured(std::size_t slot) const { return slot < plan_.code->captured.size() && plan_.code->captured[slot]; }

  // Ways (emit_ways.cpp)
  void begin();
  void expect_numbers();
  void begin_scope(Scope &scope);
  void emit(Join &join);
  void emit_from(std::uint32_t offset, bool is_first);
  void go_to(Join &join);
  void prepare_edge(Join &join);
  void first_edge(Join &join);
  void conditional_jump(std::uint32_t target, llvm::Value *falsehood);
  void finish(llvm::Value *result, Form form);
  llvm::BasicBlock *block(const char *name) { return llvm::BasicBlock::Create(llvm_context(), name, function_); }
  void branch(llvm::Value *condition, llvm::BasicBlock *likely, llvm::BasicBlock *unlikely);

  // Instructions (emit_instructions.cpp)
  bool instruction(std::uint32_t offset);
  void constant(const Value &value);
  void get_local(std::size_t slot);
  void set_local(std::size_t slot);
  void replace_top(llvm::Value *value, Form form);
  void get_super();
  void make_closure();
  void close_upvalue();
  void make_class();
  void inherit();
  void add_method();
  void return_top();

  // Ways out (emit_exits.cpp)
  enum class Counts : bool { No, Yes };
  void leave(std::uint32_t offset, Counts counts = Counts::Yes);
  void leave() { leave(scope_->offset); }
  void emit_leave(Join &join);
  void leave_if_outdated(std::size_t operands, llvm::Value *result);
  std::uint32_t next_offset() const { return scope_->offset + std::uint32_t(length_of(*scope_->code, scope_->offset)); }
  llvm::BasicBlock *error_block(Scope &scope);
  llvm::BasicBlock *operand_error_block();
  llvm::BasicBlock *undefined_block(std::uint32_t global);
  void add_error_edge(Scope &scope, llvm::Value *offset);
  void return_error(Scope &scope);
  void check_error(llvm::Value *result);

  // Values (emit_values.cpp)
  llvm::Value *number(int from_top);
  void unbox(llvm::Value *value, llvm::Value *as_number);
  llvm::Value *falsehood(int from_top);
  void arithmetic(Op op);
  void add();
  void add_numbers_or_strings(const Cache &cache);
  void join_strings(const Cache &cache);
  void equal();
  void equal(llvm::Value *left, llvm::Value *right);
  void get_global(std::uint32_t global);
  void set_global(std::uint32_t global);
  llvm::Value *upvalue(int index);
  void check_defined(llvm::Value *value, std::uint32_t global);
  void guard(llvm::Value *condition);

  // Objects and calls (emit_objects.cpp, emit_calls.cpp)
  struct Way {
    llvm::Value *value;
    llvm::BasicBlock *from;
  };
  bool expects_no_others(const Cache &cache) const;
  void get_field();
  void set_field();
  std::vector<Way> store_in_known(const Cache &cache, llvm::Value *object, llvm::Value *value, llvm::BasicBlock *other);
  llvm::Value *field_address(llvm::Value *object, const Shape *shape, std::int32_t index);
  bool call();
  bool invoke();
  bool super_invoke();
  llvm::Value *identity_of(llvm::Value *object);
  /// A way to a callee that was met: what is compared, and what is called.
  struct Target {
    const void *identity;
    Code *code;
    std::int32_t method = -1; ///< index in the methods of the class
    bool is_super = false; ///< which is what was tested
    const Shape *instance = nullptr; ///< the callee is a class, and an instance is made first
  };
  /// `tested` is the slot whose object's identity says which target it is; `base` begins the callee's frame.
  bool call_targets(std::size_t base, std::uint32_t arguments, std::size_t tested, const Cache &cache,
                    const std::vector<Target> &targets, llvm::function_ref<llvm::Value *()> make_slow);
  void call_target(const Target &target, std::size_t base, std::uint32_t arguments, llvm::Value *tested, Join &after);
  llvm::Value *allocate(std::size_t bytes, llvm::BasicBlock *collect);
  void make_instance(const Shape *shape, std::size_t base);
  bool can_inline(const Code &callee) const;
  void inline_call(Code *callee, std::size_t base, Join &after);
  llvm::Value *enter(Code *callee, std::size_t base);
  Join &join_behind_call();
  void go_after(std::size_t base, llvm::Value *result, Join &after);
  void expect_number_result(Join &after);
  void finish_call(std::size_t operands, llvm::Value *result);
  void finish_slow(std::size_t operands, llvm::Value *result);
  /// A way on which runtime code may move objects meets those on which nothing happened.
  llvm::Value *join_slow(std::vector<Way> fast, std::size_t operands, llvm::BasicBlock *slow,
                         llvm::function_ref<llvm::Value *()> make_slow, CanFail can_fail = CanFail::Yes);
  llvm::Value *join(const std::vector<Way> &ways);
  llvm::Value *join_ways(const std::vector<Way> &ways);

  // Small things (emitter.cpp)
  llvm::LLVMContext &llvm_context() { return module_->getContext(); }
  llvm::Value *word(std::uint64_t bits) { return builder_->getInt64(bits); }
  llvm::Constant *pointer(const void *address);
  llvm::Value *load(llvm::Type *type, llvm::Value *from, Memory memory);
  void store(llvm::Value *value, llvm::Value *to, Memory memory);
  llvm::Value *field(llvm::Value *object, std::size_t bytes);
  llvm::Value *object_of(llvm::Value *value);
  llvm::Value *is_object(llvm::Value *value);
  llvm::CallInst *call_host(const char *name, llvm::Type *result, llvm::ArrayRef<llvm::Value *> arguments);
  llvm::Type *i64() { return builder_->getInt64Ty(); }
  llvm::Type *i32() { return builder_->getInt32Ty(); }
  llvm::Type *ptr() { return builder_->getPtrTy(); }
  llvm::Value *code_pointer() { return pointer(scope_->code); }
  llvm::Value *root() { return pointer(plan_.code); }
  llvm::Value *here() { return builder_->getInt32(scope_->offset); }
  std::uint32_t operand(std::size_t at) const { return scope_->code->two_bytes(scope_->offset + at); }
  std::uint32_t byte(std::size_t at) const { return scope_->code->bytes[scope_->offset + at]; }
  Cache &cache(std::size_t at) { return scope_->code->caches[operand(at)]; }
  llvm::Value *symbol(std::size_t at) { return pointer(scope_->code->symbols[operand(at)]); }
  bool is_generic() const { return plan_.code->is_generic || scope_->code->is_generic; }

  Machine &machine_;
  const Plan &plan_;
  BoxedSlots &boxed_;
  bool must_repeat_ = false;
  std::unique_ptr<llvm::Module> module_;
  std::unique_ptr<llvm::IRBuilder<>> builder_;
  llvm::Function *function_ = nullptr;
  llvm::Value *base_ = nullptr;
  llvm::GetElementPtrInst *end_ = nullptr; ///< of all slots
  std::size_t slots_needed_ = 0, inlined_bytes_ = 0;
  std::map<Memory, llvm::MDNode *> memories_;
  std::deque<Scope> scopes_;
  std::deque<Join> calls_; ///< behind calls
  Scope *scope_ = nullptr;
  std::vector<Join *> pending_; ///< reached, and not emitted yet
  std::vector<Slot> slots_; ///< of the function and the callees in place
};

} // namespace lox
