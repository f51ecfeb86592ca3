#include "runtime/code/graph_passes.h"

#include "compiler/base/error.h"
#include "runtime/code/link_capture.h"

#include <llvm/ExecutionEngine/JITLink/x86_64.h>

namespace osr {

namespace x86_64 = llvm::jitlink::x86_64;

namespace {

/// Turns an instruction that goes through a GOT entry into one that does not. `edge` is its displacement. False if it
/// is none that can be turned.
bool make_load_direct(llvm::jitlink::LinkGraph &graph, llvm::jitlink::Block &block, const llvm::jitlink::Edge &edge) {
  constexpr unsigned char mov_load = 0x8b, lea = 0x8d, indirect = 0xff, call_through = 0x15;
  constexpr unsigned char address_size_prefix = 0x67, call = 0xe8;
  if (edge.getOffset() < 2)
    return false;
  char *opcode = block.getMutableContent(graph).data() + edge.getOffset() - 2;
  const auto first = static_cast<unsigned char>(opcode[0]), second = static_cast<unsigned char>(opcode[1]);
  if (first == indirect && second == call_through) { // call *slot(%rip): the prefix keeps the length
    opcode[0] = char(address_size_prefix);
    opcode[1] = char(call);
    return true;
  }
  if (first != mov_load)
    return false;
  opcode[0] = char(lea);
  return true;
}

} // namespace

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
      const bool native = edge.getKind() == x86_64::RequestTLSDescInGOTAndTransformToDelta32 ||
                          edge.getKind() == x86_64::RequestTLVPAndTransformToPCRel32TLVPLoadREXRelaxable;
      if (!native)
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
    for (llvm::jitlink::Edge &edge : block->edges()) {
      const auto kind = edge.getKind();
      const bool branch = kind == x86_64::BranchPCRel32;
      const bool load = kind == x86_64::RequestGOTAndTransformToPCRel32GOTLoadRelaxable ||
                        kind == x86_64::RequestGOTAndTransformToPCRel32GOTLoadREXRelaxable;
      if ((!branch && !load) || !edge.getTarget().isExternal() || !is_near(edge.getTarget().getName()))
        continue;
      if (branch || make_load_direct(graph, *block, edge))
        edge.setKind(x86_64::PCRel32); // all these kinds count from the end of the instruction: same addend
    }
}

} // namespace osr
