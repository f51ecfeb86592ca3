// The list of code that perf and profilers by eBPF look for: /tmp/perf-PID.map.
#pragma once

#include "runtime/engine/engine.h"

#include <llvm/Support/Error.h>

#include <string>

namespace osr {

struct PerfMap {
  std::string text; ///< lines: address, size, name
  std::size_t versions = 0;
};

/// All code of the program that is there now.
PerfMap list_code(Engine &engine) OSR_REQUIRES(engine_lock);

/// Writes the file anew, for its user only, and returns its path. Where others can write, nobody's link is followed and nobody's file
/// is taken: the error says what is in the way.
llvm::Expected<std::string> write_perf_map(llvm::StringRef text);

} // namespace osr
