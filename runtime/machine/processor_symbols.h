// What compilers' builtins read of the processor.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// Names and addresses of what __builtin_cpu_supports and its like refer to. It is linked statically, so the dynamic linker does
/// not find it.
std::vector<std::pair<std::string, std::uint64_t>> processor_symbols();

} // namespace osr
