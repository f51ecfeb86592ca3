// One run of a program: what it did, what it took, and when it wrote.
#pragma once

#include "osrctl/child_process.h"

#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// What is executed, and as what: argv[0] is the same in each way to run a program, since programs print it.
struct Command {
  std::string file;
  std::vector<std::string> argv;
};

/// To paste into a shell.
std::string to_string(const Command &command);

struct RunLimits {
  std::string input = "/dev/null"; ///< the program's stdin
  unsigned seconds = 60;           ///< it is killed after this time
  bool terminal = false;           ///< stdout is a pseudo-terminal, to which the C library writes each line at once
};

/// Whether the resident memory is looked at while it runs, which takes time.
enum class WatchMemory { No, Yes };

struct MeasuredRun {
  Outcome outcome;
  std::string errors; ///< the end of what it wrote to stderr
  double cpu_seconds = 0, wall_seconds = 0;
  std::optional<double> first_output_seconds; ///< none: it wrote nothing
  std::vector<std::pair<double, std::uint64_t>>
      lines; ///< seconds since it was started, lines that were written until then
  std::uint64_t memory_bytes = 0;                      ///< 0: not watched, or over too soon
};

/// Fails only if it cannot be started.
llvm::Expected<MeasuredRun> measure_run(const Command &command, const RunLimits &limits, WatchMemory watch);

} // namespace osr
