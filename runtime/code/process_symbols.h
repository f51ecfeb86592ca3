// Symbols that every C program may use although no shared library exports them. Private to runtime/code.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace osr {

/// Those of them that dlsym does not find in this process. On Linux a static part of libc or libgcc is linked into each
/// program to provide them; ours serve the program we run.
std::vector<std::pair<std::string, std::uint64_t>> missing_process_symbols();

} // namespace osr
