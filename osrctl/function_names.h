// Names of functions as people say them: 'sum', 'shop::sum', 'shop::sum(int)' for '_ZN4shop3sumEi'.
#pragma once

#include "osrctl/control_connection.h"

#include <string>

namespace osr {

/// As the source has it, where the name says that.
std::string readable_function(const std::string &name);

/// The name that the process knows the function by, which is `said` if it has one of that name. Of one that it does not have, what was said: the
/// process says what is wrong with it. The error: several may be meant.
llvm::Expected<std::string> resolve_function(ControlConnection &connection, const std::string &said);

} // namespace osr
