// Runs one program in all ways, in turns, and compares what they did.
#pragma once

#include "osrctl/bench/report.h"
#include "osrctl/bench/ways.h"

namespace osr {

struct BenchOptions {
  unsigned runs = 5;
  bool count_instructions = false;
  RunLimits limits;
  WaysOptions ways;
};

/// First each way runs once: that says what it prints, how much memory it takes, and what osrctl's statistics know. Then all
/// that did the same take turns, and each begins a round once, so that a machine that slows down slows all. What is wrong
/// with one way stands in the report and leaves the others alone; fails when the program cannot be run in any.
llvm::Expected<ProgramReport> bench_program(const BenchProgram &program, const BenchOptions &options);

} // namespace osr
