// Names on the command line: functions, sites and versions. Wrong ones are answered with what exists.
#pragma once

#include "compiler/canonical/canonical_program.h"

#include <CLI/CLI.hpp>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <cstdint>
#include <optional>
#include <string>

namespace osr {

/// The definition of that name; the error suggests the nearest one.
llvm::Expected<const FunctionInfo *> find_function(const CanonicalProgram &program, llvm::StringRef name);

/// The options --function, --tier and --continuation.
struct VersionOptions {
  std::string function;
  std::string tier = "optimized";
  std::optional<std::uint32_t> continuation;
};

enum class CanonicalTier : bool { No, Yes };

/// `canonical`: the verb also knows --tier canonical.
void add_version_options(CLI::App &command, VersionOptions &options, CanonicalTier canonical);

/// Fails when options contradict each other; to be asked before the program is loaded.
llvm::Error check_version_options(const VersionOptions &options);

/// The version that the options name. --tier canonical counts as baseline.
llvm::Expected<VersionKey> select_version(const CanonicalProgram &program, const VersionOptions &options);

} // namespace osr
