// The command lines by which a running program's files were compiled, where they are recorded.
#pragma once

#include "osrctl/control_connection.h"

#include <string>

namespace osr {

/// What an edited source is compiled with: `said`, or if that is empty what the program's source of the same path was compiled with, or that of the
/// same name, or its only one: recorded by -grecord-command-line or -frecord-command-line, with -g. Words as split_words() takes them; "": nothing
/// is recorded, or the process is another user's, who could have anything compiled in this way. The error: several are meant, or what is
/// recorded is not to be taken from a program.
llvm::Expected<std::string> flags_for(ControlConnection &connection, const std::string &source,
                                      const std::string &said);

} // namespace osr
