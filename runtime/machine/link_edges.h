// What the linker's edges mean on this machine.
#pragma once

#include <llvm/ExecutionEngine/JITLink/JITLink.h>

namespace osr {

/// Reaches a thread-local variable of an object that the dynamic linker has loaded, or its descriptor.
bool is_native_tls(const llvm::jitlink::Edge &edge);

/// Has a call, a jump or a load go to the target itself, without a linker's stub or a word of the GOT; the target has to be
/// near. False if the edge is none of these, or its instruction cannot be changed so.
bool make_edge_direct(llvm::jitlink::LinkGraph &graph, llvm::jitlink::Block &block, llvm::jitlink::Edge &edge);

/// make_edge_direct() may do something about it.
bool may_be_direct(const llvm::jitlink::Edge &edge);

/// A branch to exactly its target, by a displacement.
bool is_direct_branch(const llvm::jitlink::Block &block, const llvm::jitlink::Edge &edge);

/// Where the linker puts its stubs.
llvm::StringRef linker_stubs_section();

} // namespace osr
