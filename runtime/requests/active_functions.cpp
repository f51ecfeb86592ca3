#include "runtime/requests/active_functions.h"

#include "compiler/base/error.h"
#include "runtime/engine/look_at_stacks.h"
#include "runtime/reclaim/stack_evidence.h"
#include "runtime/threads/stopped_walk.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_active = 256;
constexpr unsigned most_frames_looked_at = 4096; ///< of each thread

/// Code of the engine's, its entries, or a call of one of its functions that has no code yet.
OSR_OF_STOPPED_THREAD bool is_of(Engine &engine, const Frame &frame) {
  return frame.code || frame.row || (is_entry_hook(frame) && hook_of(frame) == engine.entries().hook_context());
}

} // namespace

std::vector<EntryId> active_functions(Engine &engine) {
  Undisturbed undisturbed;
  Lock lock(engine.mutex(), after_waiting);
  std::vector<FunctionId> found;
  if (!engine.watches_threads())
    return {};
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
  std::vector<EntryId> entries;
  entries.reserve(found.size());
  for (const FunctionId body : found)
    entries.push_back(engine.targets().bodies().entry_of(body));
  return entries;
}

Expected<std::string> describe_some_activation(Engine &engine) {
  if (!engine.watches_threads())
    return std::string();
  pid_t tid = 0;
  bool is_suspended = false;
  const char *function = nullptr;
  const auto look = [&](const ProgramThread &thread, RulesFinder &rules) {
    if (tid != 0)
      return StackLook{};
    const WalkStatus status = walk_stopped_while(thread, rules, [&](const Frame &frame) {
      if (!is_of(engine, frame))
        return true;
      tid = thread.tid;
      is_suspended = thread.is_suspended;
      function = frame.code ? frame.code->function_name : nullptr;
      return function == nullptr;
    });
    return tid ? StackLook{} : StackLook{status, true};
  };
  Undisturbed undisturbed;
  Lock lock(engine.mutex(), after_waiting);
  auto unwalked = look_at_stacks(engine, [&] { tid = 0; }, look, [] {});
  if (!unwalked)
    return unwalked.takeError();
  if (tid != 0)
    return fmt::format("{} {} is in {}", is_suspended ? "a stack that waits and was left by thread" : "thread", tid,
                       function ? fmt::format("'{}'", function) : "the program");
  if (*unwalked)
    return fmt::format("the stack of thread {} cannot be walked: {}", (*unwalked)->tid, describe((*unwalked)->status));
  return std::string();
}

} // namespace osr
