#include "runtime/machine/link_edges.h"

#include "runtime/machine/instructions.h"

#include <llvm/ExecutionEngine/JITLink/x86_64.h>

using namespace llvm::jitlink;

namespace osr {
namespace {

bool is_load(const Edge &edge) {
  return edge.getKind() == x86_64::RequestGOTAndTransformToPCRel32GOTLoadRelaxable ||
         edge.getKind() == x86_64::RequestGOTAndTransformToPCRel32GOTLoadREXRelaxable;
}

bool is_branch_by_stub(const Edge &edge) { return edge.getKind() == x86_64::BranchPCRel32; }

} // namespace

bool is_native_tls(const Edge &edge) {
  return edge.getKind() == x86_64::RequestTLSDescInGOTAndTransformToDelta32 ||
         edge.getKind() == x86_64::RequestTLVPAndTransformToPCRel32TLVPLoadREXRelaxable;
}

bool may_be_direct(const Edge &edge) { return is_branch_by_stub(edge) || is_load(edge); }

bool make_edge_direct(LinkGraph &graph, Block &block, Edge &edge) {
  if (!may_be_direct(edge))
    return false;
  const bool is_done =
      is_branch_by_stub(edge) || (edge.getOffset() >= 2 && // the opcode in front
                                  make_direct(block.getMutableContent(graph).data() + edge.getOffset()));
  if (is_done)
    edge.setKind(x86_64::PCRel32); // all these kinds count from the end of the instruction: same addend
  return is_done;
}

bool is_direct_branch(const Block &block, const Edge &edge) {
  return edge.getKind() == x86_64::PCRel32 && edge.getAddend() == 0 && is_branch(block.getContent(), edge.getOffset());
}

llvm::StringRef linker_stubs_section() { return x86_64::PLTTableManager::getSectionName(); }

} // namespace osr
