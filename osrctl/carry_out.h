// A command of osrctl attach is carried out.
#pragma once

#include "osrctl/attach_commands.h"

namespace osr {

enum class AttachOutput : std::uint8_t { Text, Json };

/// Asks the process, and prints what it says, also while the request is under way.
llvm::Error carry_out(ControlConnection &connection, const AttachCommand &command, llvm::ArrayRef<std::string> words,
                      AttachOutput output);

} // namespace osr
