// The holders of object frames (docs/architecture/objects.md): the only code of the compiler that is written by hand.
#pragma once

#include <string>

namespace osr {

/// Of their names, in ascending order of addresses.
inline constexpr const char *first_holder = "osr.object.holder", *last_holder = "osr.object.holder.continuation";

/// The holders, as module-level assembly. One object that is linked before all others and is never freed has to define
/// them.
std::string holder_assembly();

} // namespace osr
