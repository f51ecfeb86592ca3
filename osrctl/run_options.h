// What the command line of osrctl run says.
#pragma once

#include "osr/options.h"
#include "osr/runtime.h"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace osr {

struct RunOptions {
  std::string tier = "auto";
  std::string tier_policy = "budget";
  std::optional<std::int32_t> tier_threshold;
  unsigned sampling_microseconds = SamplingPolicy::usual_period.count();
  unsigned compile_threads = 1;
  std::size_t compile_queue = 64;
  std::string stress = "none";
  std::string stubs = "generated";
  std::string calls = "direct";
  std::string rewrite = "return-pc";
  std::string fault;
  std::string statistics_file, compile_cache_file;
  std::vector<std::string> libraries;
  std::vector<std::string> program;
  std::vector<std::string> optimize_only;
  bool verify_each_pass = false;
  bool compile_ahead = false;
  bool loop_sites = true;
  bool assume_guards = true;
  bool speculate = false;
  std::uint32_t speculate_after = 100;
  bool count_residence = false;
  bool perf_dump = false;
  bool debug_info = false;
  bool control = false, no_control = false; ///< neither: if it can be had
  bool control_read_only = false;
  std::string trace_file;
};

void add_run_options(CLI::App &command, RunOptions &options);

/// Fails when an option makes no sense.
llvm::Expected<Runtime::Options> runtime_options_of(const RunOptions &options);

} // namespace osr
