// What can be said to a running program: one table for the command line, the prompt, its completion and its help.
#pragma once

#include "osrctl/control_connection.h"
#include "runtime/control/methods.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <string>
#include <vector>

namespace osr {

enum class AttachOutput : std::uint8_t { Text, Json };

/// A method of the protocol as a person says it: words in their order first, everything else as --NAME VALUE.
struct AttachCommand {
  const char *name;
  llvm::ArrayRef<const char *> words; ///< parameters that come without their names
  const char *what;                   ///< it does, in a line
  std::string (*print)(const nlohmann::json &result);
  llvm::ArrayRef<Parameter> own = {}; ///< parameters that only osrctl understands
  /// Makes those of the protocol from them, with the help of the process.
  llvm::Expected<nlohmann::json> (*prepare)(ControlConnection &connection, nlohmann::json parameters) = nullptr;
};

llvm::ArrayRef<AttachCommand> attach_commands();
const AttachCommand *find_command(llvm::StringRef name);
const Method &method_of(const AttachCommand &command);

/// "replace FUNCTION --to baseline|optimized [--frames ...]".
std::string usage_of(const AttachCommand &command);
/// A list of all.
std::string help_text();

/// The parameters that the words behind the command mean. The error says what is wrong with them.
llvm::Expected<nlohmann::json> parameters_of(const AttachCommand &command, llvm::ArrayRef<std::string> words);

/// Asks the process, and prints what it says, also while the request is under way.
llvm::Error carry_out(ControlConnection &connection, const AttachCommand &command, llvm::ArrayRef<std::string> words,
                      AttachOutput output);

/// Words as a shell splits them: blanks separate, quotes keep together.
std::vector<std::string> split_words(llvm::StringRef line);

} // namespace osr
