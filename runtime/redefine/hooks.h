// Functions of the program that somebody wants called around a change of its code, each in a thread of the program's.
//
//   somebody's thread               a thread that was there from the start       a thread of the program
//   (may have descriptors of its    (sleeps; has the program's descriptors)
//   own, is none of the program)
//   call() ───────────────────────► makes it ──────────────────────────────────► the function; what it opens is the program's
//   waits, for a while ◄──────────────────────────────────────────────────────── what it returned, or how it ended
//
// A thread cannot come back to a table of descriptors that it has left, and those that it makes have its own. So threads of the
// program are made by one that has never left.
#pragma once

#include "runtime/engine/first_calls.h"
#include "runtime/process/worker_threads.h"

#include <llvm/ADT/FunctionExtras.h>
#include <llvm/Support/MemoryBuffer.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>

namespace osr {

/// A function `int f(void)` or `void f(void)`.
struct Hook {
  std::string name; ///< for people
  EntryId entry{};
  bool returns_value = true;
};

/// How long somebody waits for one.
struct HookPatience {
  std::chrono::nanoseconds limit{};
  const std::atomic<bool> *is_cancelled = nullptr;
  std::function<void(const std::string &)> progress = {}; ///< told now and then what is waited for
};

/// Thread-safe. Outlives no program that runs.
class Hooks {
public:
  Hooks(Engine &engine, FirstCalls &calls);

  /// In a thread that has the program's descriptors, before the first call().
  void start();

  /// Makes what the IR defines a part of the program, under names that nobody else has: functions that it does not have, what they need,
  /// and new variables. The error says that nothing has changed.
  llvm::Expected<Engine::Added> add(llvm::MemoryBufferRef ir);
  /// Of the module, or else of the program.
  llvm::Expected<Hook> find(llvm::StringRef name, const std::optional<Engine::Added> &module);

  /// Calls it in a thread of its own, without any lock, and waits. Nothing: it returns none. The error: it has not begun, or has ended in another
  /// way, by an exception or by the end of its thread; or it has not ended, and goes on.
  llvm::Expected<std::optional<int>> call(const Hook &hook, const HookPatience &patience);

private:
  WorkerThreads::Next next() OSR_REQUIRES(thread_.mutex());

  Engine &engine_;
  FirstCalls &calls_;
  std::deque<llvm::unique_function<void()>> wanted_ OSR_GUARDED_BY(thread_.mutex()); ///< threads to be made
  bool is_started_ OSR_GUARDED_BY(thread_.mutex()) = false;
  WorkerThreads thread_;
};

} // namespace osr
