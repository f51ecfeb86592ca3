// What compiled code calls by name.
#pragma once

#include <osr/options.h>

#include <vector>

namespace lox {

std::vector<osr::HostSymbol> host_functions();

} // namespace lox
