// Unwind rows of code that others link.
#include "osr/walkable.h"

#include "compiler/base/mutex.h"
#include "runtime/machine/link_edges.h"
#include "runtime/stack/walkable_code.h"
#include "runtime/threads/program_thread.h"

#include <llvm/ExecutionEngine/JITLink/JITLink.h>

#include <algorithm>
#include <map>

using namespace llvm;

namespace osr {
namespace {

using Pieces = std::vector<std::unique_ptr<WalkableRows>>;

/// What walks have to know of one object; null: there is no code in it.
Expected<std::unique_ptr<WalkableRows>> rows_of(jitlink::LinkGraph &graph) {
  Extent code;
  std::vector<Extent> jumps; // `jmp *address`, which push nothing, and of which nothing else is known
  std::vector<std::uint8_t> unwind;
  std::uint64_t unwind_address = 0;
  for (jitlink::Section &section : graph.sections()) {
    const jitlink::SectionRange range(section);
    if (range.empty() || section.getMemLifetime() == orc::MemLifetime::NoAlloc)
      continue;
    const Extent extent{range.getStart().getValue(), range.getEnd().getValue()};
    if (section.getName() == ".eh_frame") {
      unwind_address = extent.begin;
      unwind.resize(extent.size());
      for (const jitlink::Block *block : section.blocks())
        copy(block->getContent(), unwind.begin() + std::ptrdiff_t(block->getAddress().getValue() - extent.begin));
    }
    if ((section.getMemProt() & orc::MemProt::Exec) == orc::MemProt::None)
      continue;
    code = code.size() ? Extent{std::min(code.begin, extent.begin), std::max(code.end, extent.end)} : extent;
    if (section.getName() == linker_stubs_section())
      jumps.push_back(extent);
  }
  if (code.size() == 0)
    return nullptr;
  std::vector<UnwindRange> leaves;
  leaves.reserve(jumps.size());
  for (const Extent &jump : jumps)
    leaves.push_back({std::uint32_t(jump.begin - code.begin), std::uint32_t(jump.size()), UnwindRow::leaf()});
  auto rows = UnwindRows::from_eh_frame(unwind, unwind_address, code.begin, code.size(), leaves);
  if (!rows)
    return rows.takeError();
  return std::make_unique<WalkableRows>(code, std::move(*rows));
}

/// Walks may be looking at what goes, by way of a stack that they have misread: they hold the registry's lock.
void drop(Pieces pieces) {
  Lock lock(process_threads().mutex());
  pieces.clear();
}

class WalkablePlugin final : public orc::LinkGraphLinkingLayer::Plugin {
public:
  void modifyPassConfig(orc::MaterializationResponsibility &object, jitlink::LinkGraph &,
                        jitlink::PassConfiguration &config) override {
    config.PostFixupPasses.push_back([this, &object](jitlink::LinkGraph &graph) { return show(object, graph); });
  }
  Error notifyEmitted(orc::MaterializationResponsibility &object) override {
    return object.withResourceKeyDo([&](orc::ResourceKey key) {
      Lock lock(mutex_);
      move_all(take(linking_, &object), linked_[key]);
    });
  }
  Error notifyFailed(orc::MaterializationResponsibility &object) override {
    Pieces pieces;
    {
      Lock lock(mutex_);
      pieces = take(linking_, &object);
    }
    drop(std::move(pieces));
    return Error::success();
  }
  Error notifyRemovingResources(orc::JITDylib &, orc::ResourceKey key) override {
    Pieces pieces;
    {
      Lock lock(mutex_);
      pieces = take(linked_, key);
    }
    drop(std::move(pieces));
    return Error::success();
  }
  void notifyTransferringResources(orc::JITDylib &, orc::ResourceKey to, orc::ResourceKey from) override {
    Lock lock(mutex_);
    move_all(take(linked_, from), linked_[to]);
  }

private:
  Error show(orc::MaterializationResponsibility &object, jitlink::LinkGraph &graph) {
    auto rows = rows_of(graph);
    if (!rows)
      return rows.takeError();
    if (!*rows)
      return Error::success();
    (*rows)->show();
    Lock lock(mutex_);
    linking_[&object].push_back(std::move(*rows));
    return Error::success();
  }
  template <typename Map> static Pieces take(Map &map, typename Map::key_type key) {
    auto found = map.extract(key);
    return found ? std::move(found.mapped()) : Pieces();
  }
  static void move_all(Pieces from, Pieces &to) { std::move(from.begin(), from.end(), std::back_inserter(to)); }

  Mutex mutex_;
  std::map<orc::MaterializationResponsibility *, Pieces> linking_ OSR_GUARDED_BY(mutex_);
  std::map<orc::ResourceKey, Pieces> linked_ OSR_GUARDED_BY(mutex_);
};

} // namespace

std::shared_ptr<orc::LinkGraphLinkingLayer::Plugin> make_walkable() { return std::make_shared<WalkablePlugin>(); }

} // namespace osr
