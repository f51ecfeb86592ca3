// When functions are compiled, and the runtime that they are added to, one by one.
#pragma once

#include "machine.h"

#include <osr/runtime.h>
#include <osr/thread.h>

#include <map>

namespace lox {

enum class Mode : std::uint8_t { Interpret, Baseline, Optimized, Auto };

struct JitOptions {
  Mode mode = Mode::Auto;
  std::optional<std::uint32_t> compile_after; ///< calls; of loops ten times as many rounds
  osr::StressMode stress;
  bool dump = false; ///< the IR of what is compiled, on stderr
};

class Jit {
public:
  static llvm::Expected<std::unique_ptr<Jit>> create(Machine &machine, const JitOptions &options);
  ~Jit();

  /// The interpreter is about to run the function, with its arguments at `base`. True: `code->entry` is compiled now.
  bool notice_call(Code *code, Value *base) {
    return code->calls++ >= calls_until_compiled_ && code->calls != 0 && compile(code, base);
  }
  /// The interpreter goes round a loop of the function.
  bool is_hot_loop(Code *code) { return ++code->rounds > rounds_until_compiled_; }
  /// Code that goes on at the head of a loop, in a frame with so many values; null if there is none.
  Entry loop_entry(Code *code, std::uint32_t offset, Value *base, std::uint32_t height);
  /// Compiled code met what it was not made for, and goes on in the interpreter.
  void notice_exit(Code *code);
  /// It went the slow way so often.
  static constexpr std::uint32_t most_misses = 500;
  void notice_misses(Code *code);

  osr::Runtime &runtime() { return *runtime_; }

private:
  Jit(Machine &machine, const JitOptions &options);
  bool compile(Code *code, Value *base);
  bool add(llvm::orc::ThreadSafeModule module, const std::string &name, osr::ModuleId *id = nullptr);
  Entry look_up(const std::string &name);
  Entry finished(Code *code, LoopEntry &loop);
  void compile_anew(Code *code);

  Machine &machine_;
  JitOptions options_;
  std::uint32_t calls_until_compiled_, rounds_until_compiled_;
  std::unique_ptr<osr::Runtime> runtime_;
  std::map<std::string, std::shared_ptr<osr::PendingRequest>> compiling_; ///< entries of loops
};

} // namespace lox
