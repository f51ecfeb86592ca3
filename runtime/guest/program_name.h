// What the C library and the kernel call the process.
#pragma once

#include <array>

namespace osr {

/// While it lives, the process has the name of the program that runs in it, as if that had been executed: in messages of the
/// C library (err, error, assert, getopt), in its variables, and in the kernel's list of processes. Threads that start
/// without a name of their own inherit the last.
class ProgramName {
public:
  /// `path` is argv[0], and stays as long as this does.
  explicit ProgramName(char *path);
  ProgramName(const ProgramName &) = delete;
  ProgramName &operator=(const ProgramName &) = delete;
  ~ProgramName();

private:
  char *before_, *short_before_; ///< the host's
  std::array<char, 16> thread_before_{}; ///< the kernel's size
};

} // namespace osr
