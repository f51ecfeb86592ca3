// Looking at all stacks at one moment: into memory that is there before threads are stopped, for nothing is allocated meanwhile.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/threads/stopped_walk.h"

#include <llvm/Support/Error.h>

#include <optional>

namespace osr {

/// How the look at one stack ended.
struct StackLook {
  WalkStatus status = WalkStatus::ReachedBase; ///< Walking: enough was seen
  bool has_room = true;
};

/// A stack that could not be walked, each time that threads were stopped.
struct UnwalkedStack {
  pid_t tid = 0;
  WalkStatus status = WalkStatus::ReachedBase;
};

/// A thread may be stopped where no walk is possible; it has to run some instructions then.
inline constexpr unsigned most_walk_retries = 200;

/// Stops all threads and calls `look(const ProgramThread &, RulesFinder &)`, which returns a StackLook, for each stack. Begins anew, by
/// `begin()`, with more room, by `make_room()`, if there was too little; or a little later if a stack could not be walked: that
/// is the result if it stays so. Code and stubs stay as long as the engine's lock is held.
template <typename Begin, typename Look, typename MakeRoom>
llvm::Expected<std::optional<UnwalkedStack>> look_at_stacks(Engine &engine, Begin begin, Look look, MakeRoom make_room)
    OSR_REQUIRES(engine_lock) {
  const RegistryLookup lookup = engine.lookup();
  for (unsigned retries = 0;;) {
    begin();
    bool has_room = true;
    std::optional<UnwalkedStack> unwalked;
    llvm::Error error = engine.handshake().with_stopped([&](StoppedThreads threads) OSR_REQUIRES(engine_lock) {
      RulesFinder rules(lookup, engine.stub_table());
      for (const ProgramThread *thread : threads) {
        const StackLook seen = look(*thread, rules);
        has_room = seen.has_room;
        if (!has_room)
          return;
        if (seen.status != WalkStatus::ReachedBase && seen.status != WalkStatus::Walking)
          unwalked = UnwalkedStack{thread->tid, seen.status};
      }
    });
    if (error)
      return error;
    if (!has_room)
      make_room();
    else if (!unwalked || ++retries > most_walk_retries)
      return unwalked;
    else
      let_threads_run(retries);
  }
}

} // namespace osr
