// Copies what the runtime needs out of a link graph. Private to runtime/code.
#pragma once

#include "runtime/code/linked_object.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>

namespace osr {

/// What LLVM calls the section of stack maps.
inline constexpr llvm::StringLiteral stack_map_section = ".llvm_stackmaps";

/// After fixups: fills in everything but name and tracker.
void capture(llvm::jitlink::LinkGraph &graph, LinkedObject &object);

} // namespace osr
