// Our changes to link graphs on their way through JITLink. Private to runtime/code.
#pragma once

#include <llvm/ADT/STLFunctionalExtras.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>

namespace osr {

/// Before the graph is handed to ORC: no definition is visible outside, and none is pruned.
void make_definitions_private(llvm::jitlink::LinkGraph &graph);

/// Likewise: what the graph refers to by `name`, if it does, is at `address`.
void make_absolute(llvm::jitlink::LinkGraph &graph, llvm::StringRef name, std::uint64_t address);

/// Before pruning: stack maps and local functions survive although nothing refers to them (the assembler has resolved
/// calls within a section), and stack maps take no target memory.
void keep_everything(llvm::jitlink::LinkGraph &graph);

/// An error if the object needs native thread-local storage, which only a program loader can set up.
llvm::Error refuse_native_tls(llvm::jitlink::LinkGraph &graph);

/// Before JITLink makes stubs and GOT entries: references to symbols that `is_near` become direct. JITLink
/// does the same later, when it sees addresses, but by then the stub (without unwind information) and the GOT entry
/// are there to stay.
void make_near_references_direct(llvm::jitlink::LinkGraph &graph,
                                 llvm::function_ref<bool(const llvm::orc::SymbolStringPtr &)> is_near);

} // namespace osr
