// The program's part of all stacks at one moment, copied: what is in it is looked at while threads run again.
#pragma once

#include "runtime/engine/engine.h"

#include <llvm/Support/Error.h>

#include <optional>
#include <vector>

namespace osr {

/// One frame of code of ours.
struct FrameSnapshot {
  const CodeObject *code = nullptr;
  std::uint64_t pc = 0, cfa = 0;
  bool is_site = false;
  std::array<std::uint64_t, saved_register_count> saved{}; ///< callee-saved registers as it sees them
};

struct ThreadSnapshot {
  pid_t tid = 0;
  std::uint64_t low = 0;          ///< address of the first byte of `stack`
  std::vector<std::byte> stack;   ///< up to the program's base
  std::vector<FrameSnapshot> frames; ///< newest first

  /// Copies out what the frame's record says of a value. False: it is not in the snapshot.
  bool read(const FrameSnapshot &frame, const RecordedValue &value, std::byte *to) const;
};

/// Only of thread `tid`, if there is one. Stops all threads, several times if stacks grow meanwhile. With the engine's
/// lock held: as long as it is, code objects stay. The error says which stack cannot be walked.
llvm::Expected<std::vector<ThreadSnapshot>> take_snapshot(Engine &engine, std::optional<pid_t> tid);

} // namespace osr
