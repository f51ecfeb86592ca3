// What can be said to a running program: one table for the command line, the prompt, its completion and its help.
#pragma once

#include "osrctl/control_connection.h"
#include "runtime/control/methods.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <string>
#include <vector>

namespace osr {

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

} // namespace osr
