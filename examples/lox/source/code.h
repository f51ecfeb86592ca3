// Bytecode: what the compiler makes, the interpreter runs, and the JIT turns into LLVM IR.
//
// A function works on a stack of values. Slot 0 of its part holds the closure that was called, or the receiver of a method;
// parameters follow, then locals and temporaries. A method keeps its closure in the slot behind its parameters. Operands: s, u, n one
// byte; k, g, y, c (constant, global, symbol, cache) and j (distance of a jump) two bytes, lowest first.
#pragma once

#include "objects.h"

#include <memory>

namespace lox {

// clang-format off
#define LOX_OPS(X)                                                                                                      \
  X(Constant, "k") X(Nil, "") X(True, "") X(False, "") X(Pop, "")                                                       \
  X(GetLocal, "s") X(SetLocal, "s") X(GetUpvalue, "u") X(SetUpvalue, "u")                                               \
  X(GetGlobal, "g") X(SetGlobal, "g") X(DefineGlobal, "g")                                                              \
  X(GetField, "yc") X(SetField, "yc") X(GetSuper, "y")                                                                  \
  X(Equal, "") X(Greater, "") X(Less, "") X(Add, "c") X(Subtract, "") X(Multiply, "") X(Divide, "")                     \
  X(Not, "") X(Negate, "") X(Print, "")                                                                                 \
  X(Jump, "j") X(JumpIfFalse, "j") /* leaves the value */ X(PopJumpIfFalse, "j") X(Loop, "j") /* backwards */           \
  X(Call, "nc") X(Invoke, "ync") X(SuperInvoke, "ync") /* receiver, arguments, superclass */                             \
  X(Closure, "k") /* index of a function; then for each of its upvalues: is local, slot or index */                     \
  X(CloseUpvalue, "") X(Return, "")                                                                                     \
  X(Class, "yn") /* fields that its methods assign */ X(Inherit, "") X(Method, "y")
// clang-format on

enum class Op : std::uint8_t {
#define LOX_OP(name, operands) name,
  LOX_OPS(LOX_OP)
#undef LOX_OP
};

/// What a call, an access or an addition has met so far. The interpreter and slow paths fill it in; it serves them, and is what the JIT
/// makes optimised code for.
struct Cache {
  /// Something with that second word (a shape, a code, a ClassInfo) was there.
  struct Entry {
    const void *identity = nullptr;
    Shape *next = nullptr; ///< SetField: of the instance afterwards
    Code *callee = nullptr; ///< Invoke, Call: what is called; null: a class without initialiser
    std::int32_t index = 0; ///< of the field, or of the method's entry
    bool is_method = false;
  };
  static constexpr int most = 4;
  Entry entries[most];
  std::uint8_t used = 0;
  bool is_full = false; ///< more were met than there are entries
  bool met_numbers = false, met_others = false; ///< Add

  const Entry *find(const void *identity) const {
    for (int i = 0; i != used; ++i)
      if (entries[i].identity == identity)
        return &entries[i];
    return nullptr;
  }
  void add(const Entry &entry) {
    if (used == most) {
      is_full = true;
      return;
    }
    entries[used++] = entry;
    ++news;
  }
  inline static std::uint64_t news = 0; ///< of all caches
};

/// How compiled and interpreted functions call each other: `base` is slot 0, with the arguments behind it. The result is
/// Value::error() if there was an error; the message waits in the machine then, and each frame adds its line.
using Entry = Value (*)(Value *base, Code *code);

/// Compiled code that begins at the head of a loop, where these slots hold numbers.
struct LoopEntry {
  std::uint32_t offset;
  Entry entry; ///< null while it is compiled
  std::vector<bool> numbers;
  std::uint64_t module; ///< of the runtime
  std::string name;

  bool accepts(const std::vector<bool> &have) const {
    for (std::size_t i = 0; i != numbers.size(); ++i)
      if (numbers[i] && (i >= have.size() || !have[i]))
        return false;
    return true;
  }
};

enum class CodeKind : std::uint8_t { Script, Function, Method, Initializer };

/// A function as the compiler made it. Lives as long as the machine.
struct Code {
  CodeKind kind = CodeKind::Script;
  const Symbol *name = nullptr;
  int arity = 0;
  int upvalue_count = 0;
  int slots = 1; ///< at most in use
  std::uint32_t id = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<int> lines; ///< for each byte
  std::vector<Value> constants; ///< roots
  std::vector<Code *> functions; ///< of Closure
  std::vector<const Symbol *> symbols;
  std::unique_ptr<Cache[]> caches;
  int cache_count = 0;
  std::vector<bool> captured; ///< slots that closures refer to

  // What the JIT knows.
  Entry entry = nullptr; ///< the interpreter, or compiled code
  std::uint32_t calls = 0; ///< by the interpreter, until it is compiled
  std::uint32_t rounds = 0; ///< of its loops, in the interpreter
  std::uint32_t exits = 0; ///< how often compiled code went on in the interpreter
  std::uint32_t misses = 0; ///< how often it met what it was not made for, and went the slow way
  std::uint32_t version = 0; ///< of the code that is made for it; older code that runs is outdated
  std::uint32_t wrong_versions = 0; ///< how many of them had too many exits
  std::uint64_t news = 0; ///< what was known when it was compiled (Cache::news)
  bool is_generic = false; ///< make no assumptions any more
  std::string compiled; ///< name in the runtime; empty: not compiled
  std::vector<bool> numbers; ///< parameters that compiled code expects to be numbers
  std::vector<LoopEntry> loop_entries;
  std::uint32_t loop_versions = 0; ///< how many were made

  bool is_method() const { return kind == CodeKind::Method || kind == CodeKind::Initializer; }
  /// The slot that holds the closure.
  int closure_slot() const { return is_method() ? arity + 1 : 0; }
  /// Values in a frame that begins.
  std::uint32_t first_height() const { return std::uint32_t(arity) + (is_method() ? 2 : 1); }
  std::uint16_t two_bytes(std::size_t offset) const { return std::uint16_t(bytes[offset] | bytes[offset + 1] << 8); }
};

/// Length of the instruction with its operands.
std::size_t length_of(const Code &code, std::size_t offset);
/// "fun()" or "script", for stack traces.
std::string described(const Code &code);

} // namespace lox
