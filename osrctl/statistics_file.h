// The counters of a run, as a file.
#pragma once

#include "osr/runtime.h"

#include <string>

namespace osr {

/// Finds out before the program runs whether the file can be written, and keeps its meaning if the program changes its
/// folder.
llvm::Error prepare_statistics_file(std::string &path);

/// The process ends inside the program's exit(); the statistics are written from there.
struct StatisticsWriter {
  Runtime *runtime = nullptr;
  std::string path; ///< "": nothing is written

  void write() const;
};

} // namespace osr
