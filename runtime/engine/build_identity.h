// Which build this is: what one build has made is of no use to another.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace osr {

/// A hash of the versions and of the build IDs of what this library and LLVM are part of, which the linker makes of all that went in
/// (`--build-id`). Nothing: one of them has none.
std::optional<std::array<std::uint8_t, 32>> build_identity();

} // namespace osr
