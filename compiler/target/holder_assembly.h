// The holders of object frames (docs/architecture/objects.md): the only code of the compiler that is written by hand.
#pragma once

// holder_body_cfa_offset: where a holder's frame has the address of the body, which it is about to enter;
// holder_return_pc_size: what lies between its room, or the arguments that it has copied, and the frame of the body.
#include "compiler/target/x86_64/holder_layout.h"

#include <cstdint>
#include <string>

namespace osr {

/// Of their names, in ascending order of addresses.
inline constexpr const char *first_holder = "osr.object.holder", *last_holder = "osr.object.holder.continuation";

/// The entry of a function whose body takes its objects from a holder.
struct HolderEntry {
  std::string body;                 ///< private symbol
  std::uint64_t room = 0;           ///< bytes for the objects
  std::uint64_t argument_bytes = 0; ///< on the stack
  bool has_chain = false;           ///< a static chain; then there are no arguments on the stack
  bool continues = false;           ///< entered by stubs, in the middle of an activation
};

/// All of its code, as inline assembly (with `$$` for `$`).
std::string holder_entry_assembly(const HolderEntry &entry);

/// The holders, as module-level assembly. One object that is linked before all others and is never freed has to define
/// them.
std::string holder_assembly();

} // namespace osr
