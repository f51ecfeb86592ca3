#include "runtime/requests/active_functions.h"

#include "compiler/base/error.h"
#include "runtime/threads/stopped_walk.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_active = 256;
constexpr unsigned most_frames_looked_at = 4096; ///< of each thread

} // namespace

std::vector<FunctionId> active_functions(Engine &engine) {
  Undisturbed undisturbed;
  std::unique_lock lock = lock_after_waiting(engine.mutex());
  std::vector<FunctionId> found; // of bodies
  if (!engine.watches_threads())
    return found;
  found.reserve(most_active);
  const RegistryLookup lookup = engine.lookup();
  consumeError(engine.handshake().with_stopped([&](StoppedThreads threads) {
    RulesFinder rules(lookup, engine.stub_table());
    for (const auto &thread : threads) {
      unsigned frames = 0;
      walk_stopped_while(*thread, rules, [&](const Frame &frame) {
        if (frame.code && frame.code->function != no_function && found.size() < most_active &&
            !is_contained(found, frame.code->function))
          found.push_back(frame.code->function);
        return ++frames < most_frames_looked_at;
      });
    }
  }));
  for (FunctionId &function : found)
    function = engine.targets().bodies().entry_of(function);
  return found;
}

/// A thread that is between the two ends of enter() is in the program, whatever a walk sees of it.
Expected<std::string> describe_some_activation(Engine &engine) {
  if (!engine.watches_threads())
    return std::string();
  pid_t tid = 0;
  const char *function = nullptr;
  const RegistryLookup lookup = engine.lookup();
  Error error = engine.with_stopped([&](StoppedThreads threads) {
    RulesFinder rules(lookup, engine.stub_table());
    for (const auto &thread : threads) {
      walk_stopped_while(*thread, rules, [&](const Frame &frame) {
        if (frame.code && frame.code->function != no_function)
          function = frame.code->function_name;
        return function == nullptr;
      });
      if (!function && thread->base.cfa == 0)
        continue;
      tid = thread->tid;
      return;
    }
  });
  if (error)
    return error;
  if (tid == 0)
    return std::string();
  return function ? fmt::format("thread {} is in '{}'", tid, function)
                  : fmt::format("thread {} is in the program", tid);
}

} // namespace osr
