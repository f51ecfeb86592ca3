#include "runtime/code/link_capture.h"

#include "runtime/machine/link_edges.h"

#include <llvm/ADT/STLExtras.h>

#include <tuple>

namespace osr {

using namespace llvm::BitmaskEnumDetail; // & and | of section protections

namespace {

constexpr llvm::StringLiteral eh_frame_section = ".eh_frame", exception_table_section = ".gcc_except_table";

bool is_executable(const llvm::jitlink::Section &section) {
  return (section.getMemProt() & llvm::orc::MemProt::Exec) != llvm::orc::MemProt::None;
}

Extent extent_of(const llvm::jitlink::Section &section) {
  const llvm::jitlink::SectionRange range(section);
  return range.empty() ? Extent{} : Extent{range.getStart().getValue(), range.getEnd().getValue()};
}

Extent enclosing(Extent a, Extent b) {
  if (a.size() == 0 || b.size() == 0)
    return a.size() == 0 ? b : a;
  return {std::min(a.begin, b.begin), std::max(a.end, b.end)};
}

void capture_functions(llvm::jitlink::Section &section, LinkedObject &object) {
  for (const llvm::jitlink::Symbol *symbol : section.symbols())
    if (symbol->isCallable() && symbol->hasName())
      object.functions.push_back({(*symbol->getName()).str(), symbol->getAddress().getValue(), symbol->getSize()});
}

void capture_branches(llvm::jitlink::Section &section, LinkedObject &object) {
  for (llvm::jitlink::Block *block : section.blocks())
    for (const llvm::jitlink::Edge &edge : block->edges())
      if (!edge.getTarget().isDefined() && is_direct_branch(*block, edge))
        object.branches.push_back(
            {(block->getAddress() + edge.getOffset()).getValue(), edge.getTarget().getAddress().getValue()});
}

void capture_stack_map(llvm::jitlink::Section &section, LinkedObject &object) {
  std::vector<const llvm::jitlink::Block *> blocks(section.blocks().begin(), section.blocks().end());
  llvm::sort(blocks, [](auto *a, auto *b) { return a->getAddress() < b->getAddress(); });
  for (const llvm::jitlink::Block *block : blocks)
    object.stack_map.insert(object.stack_map.end(), block->getContent().begin(), block->getContent().end());
}

} // namespace

const LinkedFunction *LinkedObject::find_function(llvm::StringRef function_name) const {
  const auto found = llvm::find_if(functions, [&](const auto &function) { return function.name == function_name; });
  return found == functions.end() ? nullptr : &*found;
}

void capture(llvm::jitlink::LinkGraph &graph, LinkedObject &object) {
  for (llvm::jitlink::Section &section : graph.sections()) {
    if (section.empty())
      continue;
    if (section.getName() == stack_map_section)
      capture_stack_map(section, object);
    else if (section.getName() == eh_frame_section)
      object.eh_frame = extent_of(section);
    else if (section.getName() == exception_table_section)
      object.exception_tables = extent_of(section);
    else if (section.getName() == linker_stubs_section())
      object.linker_stubs = extent_of(section);
    if (!is_executable(section))
      continue;
    object.code = enclosing(object.code, extent_of(section));
    capture_functions(section, object);
    capture_branches(section, object);
  }
  llvm::sort(object.functions,
             [](const auto &a, const auto &b) { return std::tie(a.address, a.name) < std::tie(b.address, b.name); });
}

} // namespace osr
