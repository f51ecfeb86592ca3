// The operations of objects.h as code. Run it once, after all optimisation.
#pragma once

#include <llvm/IR/Module.h>

#include <cstdint>
#include <string>

namespace osr {

/// Appended to a version's symbol: its entry, which makes room for objects. The body has the symbol itself then.
inline constexpr const char *entry_suffix = ".entry";

/// Attribute of functions that stubs enter in the middle of an activation: continuations.
inline constexpr const char *continues_attribute = "osr-continues";

/// Afterwards no operation and no declaration of one is left. Frames of which nothing is used any more take no room. In
/// functions without sites, whose frames nobody replaces, the area is an ordinary object of the frame; for every other
/// function with object frames an entry is added that goes by way of a holder. The top of the thread's stack of state
/// buffers is at `tls_offset` from the thread pointer.
void lower_objects(llvm::Module &module, std::int64_t tls_offset);

} // namespace osr
