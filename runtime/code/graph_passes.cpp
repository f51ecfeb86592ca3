#include "runtime/code/graph_passes.h"

#include "compiler/base/error.h"
#include "runtime/code/link_capture.h"
#include "runtime/machine/link_edges.h"

namespace osr {

void make_definitions_private(llvm::jitlink::LinkGraph &graph) {
  for (llvm::jitlink::Symbol *symbol : graph.defined_symbols())
    if (symbol->getScope() != llvm::jitlink::Scope::Local) {
      symbol->setScope(llvm::jitlink::Scope::Local);
      symbol->setLinkage(llvm::jitlink::Linkage::Strong);
      symbol->setLive(true);
    }
  for (llvm::jitlink::Symbol *symbol : graph.absolute_symbols())
    symbol->setScope(llvm::jitlink::Scope::Local);
}

void make_absolute(llvm::jitlink::LinkGraph &graph, llvm::StringRef name, std::uint64_t address) {
  if (llvm::jitlink::Symbol *symbol = graph.findExternalSymbolByName(graph.intern(name)))
    graph.makeAbsolute(*symbol, llvm::orc::ExecutorAddr(address));
}

void keep_everything(llvm::jitlink::LinkGraph &graph) {
  for (llvm::jitlink::Symbol *symbol : graph.defined_symbols())
    if (symbol->isCallable())
      symbol->setLive(true);
  llvm::jitlink::Section *section = graph.findSectionByName(stack_map_section);
  if (section == nullptr)
    return;
  section->setMemLifetime(llvm::orc::MemLifetime::NoAlloc);
  for (llvm::jitlink::Block *block : section->blocks())
    graph.addAnonymousSymbol(*block, 0, block->getSize(), /*IsCallable=*/false, /*IsLive=*/true);
}

llvm::Error refuse_native_tls(llvm::jitlink::LinkGraph &graph) {
  for (llvm::jitlink::Block *block : graph.blocks())
    for (const llvm::jitlink::Edge &edge : block->edges()) {
      if (!is_native_tls(edge))
        continue;
      const llvm::jitlink::Symbol &target = edge.getTarget();
      return make_error("thread-local variable '{}' uses native thread-local storage (compile with -femulated-tls)",
                        target.hasName() ? (*target.getName()).str() : "");
    }
  return llvm::Error::success();
}

void make_near_references_direct(llvm::jitlink::LinkGraph &graph,
                                 llvm::function_ref<bool(const llvm::orc::SymbolStringPtr &)> is_near) {
  for (llvm::jitlink::Block *block : graph.blocks())
    for (llvm::jitlink::Edge &edge : block->edges())
      if (may_be_direct(edge) && edge.getTarget().isExternal() && is_near(edge.getTarget().getName()))
        make_edge_direct(graph, *block, edge);
}

} // namespace osr
