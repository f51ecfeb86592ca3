// What the parts of an engine are guarded by, as clang's check of locks knows it (compiler/base/mutex.h).
//
//   part of an engine        void retire(const Version &version) OSR_REQUIRES(engine_lock);
//   whoever calls it         Lock lock(engine.mutex()); // gives engine_lock
//                            ...retire(*version);
//
// A part does not know its engine, and one name for the lock of all is enough: who works on two engines at once is not
// caught when he confuses their locks. A lambda is a function of its own and says likewise what it needs:
// `[&](const Version &version) OSR_REQUIRES(engine_lock) { ... }`.
#pragma once

#include "compiler/base/mutex.h"

namespace osr {

/// Whoever has locked Engine::mutex() has it.
class OSR_CAPABILITY("role") EngineLock {};
inline constexpr EngineLock engine_lock;

/// Instead of a lock, where one thread alone knows the engine: while it is being made, and in tools that run no program.
class OSR_SCOPED_CAPABILITY AloneWithEngine {
public:
  AloneWithEngine() OSR_ACQUIRE(engine_lock) {}
  ~AloneWithEngine() OSR_RELEASE() {}
  AloneWithEngine(const AloneWithEngine &) = delete;
  AloneWithEngine &operator=(const AloneWithEngine &) = delete;
};

} // namespace osr
