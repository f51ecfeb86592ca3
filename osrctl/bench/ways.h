// The ways to run one program that are compared: natively, by LLVM's own JIT, and by osrctl with different options.
#pragma once

#include "osrctl/bench/measured_run.h"
#include "osrctl/bench/native_program.h"

#include <llvm/ADT/StringRef.h>

#include <memory>

namespace osr {

/// One program of a benchmark.
struct BenchProgram {
  std::string name;
  std::vector<std::string> modules, arguments;
};

/// `--with 'NAME=OPTIONS'`: osrctl run with these options.
struct OwnWay {
  std::string name;
  std::vector<std::string> options;
};

struct WaysOptions {
  std::vector<std::string> names; ///< of the usual ways
  std::vector<OwnWay> own;
  std::string lli;
  NativeOptions native;
  std::vector<std::string> libraries; ///< shared ones that are loaded first
};

/// The usual ways that osrctl itself has, by the names of its tiers, and native code and lli.
llvm::ArrayRef<llvm::StringRef> usual_ways();

/// Fails when the text has no name or is one that is taken.
llvm::Expected<OwnWay> parse_own_way(const std::string &text, const WaysOptions &options);

struct Way {
  Way(std::string name, Command command) : name(std::move(name)), command(std::move(command)) {}
  std::string name;
  Command command;
  bool has_statistics = false;  ///< osrctl can write them to a file
  std::string problem;          ///< why it cannot be run
  std::uint64_t code_bytes = 0; ///< if it is known before it runs
};

/// What was made of a program to run it in each way.
struct PreparedProgram {
  std::vector<Way> ways;
  std::vector<std::string> notes; ///< what is left out, and why
};

/// Links the program's modules and compiles them natively, both to files in `folder`, which is there. Fails when it is no
/// program.
llvm::Expected<PreparedProgram> prepare(const BenchProgram &program, const WaysOptions &options,
                                        const std::string &folder);

/// The command, with statistics written to that file if the way has any.
Command with_statistics(const Way &way, const std::string &file);

} // namespace osr
