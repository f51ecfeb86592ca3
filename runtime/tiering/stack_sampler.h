// Looks from time to time at what the threads execute.
#pragma once

#include "runtime/engine/engine.h"

#include <cstdint>
#include <map>
#include <vector>

namespace osr {

/// Threads that did not use the processor since the last look are not looked
/// at, and if none did, no thread is stopped: a program that waits is left alone.
class StackSampler {
public:
  explicit StackSampler(Engine &engine);

  /// The functions of the newest activations of each thread at work, as far as they are in baseline code, each once. Empty
  /// when no thread was stopped.
  const std::vector<FunctionId> &look() OSR_REQUIRES(engine_lock);

private:
  void find_busy() OSR_REQUIRES(engine_lock);
  void visit(const ProgramThread &thread, RulesFinder &rules) OSR_REQUIRES(engine_lock);

  Handshake &handshake_;
  ThreadRegistry &threads_;
  RegistryLookup lookup_;
  const StubTable &stubs_;
  std::map<pid_t, std::int64_t>
      used_ OSR_GUARDED_BY(engine_lock); ///< nanoseconds of processor time by thread, at the last look
  std::vector<pid_t> busy_ OSR_GUARDED_BY(engine_lock);
  std::vector<FunctionId> found_ OSR_GUARDED_BY(engine_lock);
};

} // namespace osr
