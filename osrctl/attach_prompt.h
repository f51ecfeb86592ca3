// osrctl attach without a command: a prompt.
#pragma once

#include "osrctl/carry_out.h"

namespace osr {

/// Reads commands until the input ends or 'quit': from a terminal with editing, history and completion, else line by line.
/// Returns the exit status: 1 if the last command could not be carried out, or the process has ended.
int attach_prompt(ControlConnection &connection, AttachOutput output);

} // namespace osr
