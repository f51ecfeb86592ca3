// Runs a program to its end and remembers what it did.
#pragma once

#include <llvm/Support/Error.h>

#include <string>
#include <vector>

namespace osr {

/// How a process ended and what it wrote to stdout.
struct Outcome {
  std::string output;
  int status = 0;         ///< as from waitpid
  bool timed_out = false; ///< it was killed because it took too long
  friend bool operator==(const Outcome &, const Outcome &) = default;
};

/// "exit status 3, 120 bytes of output", "killed by signal 11, ...", "no end in time, ...".
std::string to_string(const Outcome &outcome);

struct ChildOptions {
  std::string input = "/dev/null"; ///< the child's stdin
  unsigned seconds = 60;           ///< it is killed after this time
};

/// Runs `command` (a path and its arguments) with its stderr dropped, and waits for it.
llvm::Expected<Outcome> run_child(const std::vector<std::string> &command, const ChildOptions &options);

} // namespace osr
