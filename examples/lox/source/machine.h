// The virtual machine: what the interpreter and compiled code share. One in a process.
//
// One stack of values for both: all that is live across a call lies in it, where the collector finds and moves it.
#pragma once

#include "code.h"
#include "heap.h"

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

namespace lox {

class Jit;

/// A function of the interpreter's that has not returned.
struct Frame {
  Code *code;
  const std::uint8_t *next; ///< instruction
  Value *base;
};

class Machine {
public:
  explicit Machine(Heap::Stress stress);
  ~Machine();

  static Machine &the() { return *the_; }

  const Symbol *symbol(std::string_view name);
  std::size_t global(std::string_view name);
  Code *new_code();
  Value new_string(std::string_view text);

  /// Compiles and runs a script. Returns what the process is to end with.
  int run(std::string_view source);

  /// Sets the message of a runtime error; the frames that it goes through add their lines.
  [[gnu::format(printf, 2, 3)]] Value error(const char *format, ...);
  void trace(const Code &code, std::size_t offset) { trace_.push_back({&code, code.lines[offset]}); }

  Heap heap;
  Value *stack = nullptr, *stack_limit = nullptr;
  Value *top = nullptr; ///< of what the collector looks at; set before anything is allocated
  Value *globals = nullptr;
  std::vector<const Symbol *> global_names;
  Upvalue *open_upvalues = nullptr; ///< highest first
  std::vector<Frame> frames;
  std::deque<Code> codes;
  std::unique_ptr<Jit> jit; ///< null: interpret only

private:
  struct Line {
    const Code *code;
    int line;
  };

  void visit_roots(Heap::Mover &mover);
  void report();

  static Machine *the_;
  std::unordered_map<std::string_view, std::unique_ptr<Symbol>> symbols_;
  std::unordered_map<const Symbol *, std::size_t> global_numbers_;
  std::string message_;
  std::vector<Line> trace_;
};

// --- The interpreter (interpreter.cpp)

/// Entry of functions that are not compiled.
Value interpret(Value *base, Code *code);
/// Goes on at an instruction, in a frame with so many values.
Value resume(Value *base, Code *code, std::uint32_t offset, std::uint32_t height);

} // namespace lox
