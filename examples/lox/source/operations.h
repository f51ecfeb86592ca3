// What instructions do that takes more than a few machine instructions: for the interpreter, and for compiled code, which knows these
// functions by name.
//
// Operands are on the stack, the last one at top[-1]. A result is an error, with a message in the machine, or the value.
#pragma once

#include "machine.h"

namespace lox {

// Values (operations.cpp)
bool are_equal(Value *top);
constexpr std::uint64_t longest_copied = 24; ///< longer strings are ropes when they are joined
void print(Value value);
Value add(Value *top, Cache *cache);
/// Of the instruction there, whose operands are of the wrong kind.
Value operand_error(const Code *code, std::uint32_t offset);
Value undefined_variable(std::uint64_t global);

// Closures and their variables (closures.cpp)
Value make_closure(Value *top, Value *base, const Code *outer, std::uint32_t offset);
/// Variables from `first` on go into their upvalues.
void close_upvalues(Value *first);
inline Closure *closure_of(const Code &code, Value *base) { return as<Closure>(base[code.closure_slot()]); }

// Objects (classes.cpp)
Value make_class(Value *top, const Symbol *name, std::uint32_t fields);
Value inherit(Value *top);
void add_method(Value *top, const Symbol *name);
/// Of a class in the stack.
Value instantiate(Value *top, const Value *type);
Value get_field(Value *top, const Symbol *name, Cache *cache);
Value set_field(Value *top, const Symbol *name, Cache *cache);
Value get_super(Value *top, const Symbol *name);

// Calls (calls.cpp): `base` is the callee or receiver, with the arguments behind it.
struct Callee {
  Code *code; ///< to be entered with the base; null: `result` is the result
  Value result;
};
Callee prepare_call(Value *base, int arguments, Cache *cache);
Callee prepare_invoke(Value *base, int arguments, const Symbol *name, Cache *cache);
Callee prepare_super(Value *base, int arguments, const Symbol *name, Cache *cache);

/// The same, and the call.
Value call(Value *top, std::uint32_t arguments, Cache *cache);
Value invoke(Value *top, std::uint32_t arguments, const Symbol *name, Cache *cache);
Value super_invoke(Value *top, std::uint32_t arguments, const Symbol *name, Cache *cache);

} // namespace lox
