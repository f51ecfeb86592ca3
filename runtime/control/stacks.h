// All stacks at one moment, copied while the threads stand still, and described afterwards.
#pragma once

#include "runtime/engine/engine.h"
#include "runtime/inspect/stack_snapshot.h"

#include <optional>
#include <vector>

namespace osr {

struct SeenFrame {
  std::uintptr_t pc = 0;
  std::uintptr_t stub_pc = 0;       ///< it waits for a transition, else 0
  const CodeObject *code = nullptr; ///< null: not the program's
  bool is_site = false;
  bool is_running = false; ///< not in a call
};

struct SeenThread {
  pid_t tid = 0;
  ThreadRole role = ThreadRole::Host;
  WalkStatus status = WalkStatus::ReachedBase; ///< Walking: it has more frames than were asked for
  std::size_t first = 0, count = 0;            ///< of its frames, newest first
  bool waits = false;                          ///< a stack that no thread is on, and this the last one that was
  bool is_unseen = false;                      ///< nobody knows what is there
};

struct SeenStacks {
  std::vector<SeenFrame> frames;
  std::vector<SeenThread> threads;
  std::size_t waiting = 0; ///< stacks that no thread is on; of those, not all may be among `threads`
  std::vector<ThreadSnapshot> copies; ///< of each thread, if values were asked for; its frames are the program's ones
};

enum class WithValues : std::uint8_t { No, Yes };

/// It is one of the program.
inline bool is_own(const SeenFrame &frame) { return frame.code && frame.code->function != no_function; }

/// A program may have any number of waiting stacks.
inline constexpr std::size_t most_waiting_told = 200;

/// At most `depth` frames of each thread, or of one, and of `most_waiting` stacks that no thread is on. Of use as long as the engine's lock is held, which keeps
/// code and stubs. The error says why threads could not be stopped.
llvm::Expected<SeenStacks> see_stacks(Engine &engine, std::size_t depth, std::optional<pid_t> only = std::nullopt,
                                      WithValues values = WithValues::No, std::size_t most_waiting = most_waiting_told)
    OSR_REQUIRES(engine_lock);

} // namespace osr
