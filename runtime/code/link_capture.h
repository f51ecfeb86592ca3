// Copies what the runtime needs out of a link graph. Private to runtime/code.
#pragma once

#include "runtime/code/linked_object.h"

#include <llvm/ExecutionEngine/JITLink/JITLink.h>

namespace osr {

/// Before pruning: stack maps and local functions survive although nothing refers to them (the assembler has resolved
/// calls within a section), and stack maps take no target memory.
void keep_everything(llvm::jitlink::LinkGraph &graph);

/// Before the graph is handed to ORC: no definition is visible outside, and none is pruned.
void make_definitions_private(llvm::jitlink::LinkGraph &graph);

/// After fixups: fills in everything but name and tracker.
void capture(llvm::jitlink::LinkGraph &graph, LinkedObject &object);

} // namespace osr
