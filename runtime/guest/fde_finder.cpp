#include "runtime/guest/fde_finder.h"

#include "runtime/code/eh_frame_builder.h"
#include "runtime/code/range_map.h"
#include "runtime/engine/stub_factory.h"
#include "runtime/machine/instructions.h"
#include "runtime/process/in_library.h"

#include <array>
#include <dlfcn.h>

namespace osr {
namespace {

constinit RangeMap<const FdeFinder> installed;

/// What libgcc wants to know besides the FDE (its unwind-dw2-fde.h).
struct dwarf_eh_bases {
  void *text;
  void *data;
  void *function;
};

using FindFde = const void *(void *, dwarf_eh_bases *);

/// Of code that has pushed a known number of bytes and saved nothing.
class PushedBytesFdes {
public:
  PushedBytesFdes() {
    UnwindRow row = UnwindRow::leaf();
    for (std::vector<std::uint8_t> &section : sections_) {
      section = build_eh_frame(0, 1, row);
      row.cfa_offset += word_size;
    }
  }
  PlacedFde find(std::uint64_t pc, std::int32_t cfa_offset) const {
    const std::uint32_t pushed = (cfa_offset - UnwindRow::leaf().cfa_offset) / word_size;
    if (pushed >= sections_.size())
      return {};
    const auto address = reinterpret_cast<std::uint64_t>(sections_[pushed].data());
    return {pc, pc + 1, address + fde_offset(sections_[pushed])};
  }

private:
  std::array<std::vector<std::uint8_t>, 3>
      sections_; ///< most that an entry of a procedure linkage table pushes, and one
};

const PushedBytesFdes &fdes_of_pushed_bytes() {
  static const auto &fdes = *new PushedBytesFdes; // other threads may unwind while the process ends
  return fdes;
}

/// The tables that a linker makes for calls of other libraries are described by few linkers. libgcc gives up there.
PlacedFde find_in_linkage_table(std::uint64_t pc) {
  dl_find_object found;
  if (_dl_find_object(reinterpret_cast<void *>(pc), &found) != 0)
    return {};
  const std::int32_t cfa_offset = linkage_table_cfa_offset(pc);
  return cfa_offset ? fdes_of_pushed_bytes().find(pc, cfa_offset) : PlacedFde{};
}

FindFde *of_libgcc() {
  static const auto find = in_library(static_cast<FindFde *>(nullptr), "_Unwind_Find_FDE");
  return find;
}

} // namespace

FdeFinder::FdeFinder(Extent addresses, const CodeRegistry &registry, const StubTable &stubs, const EntryTable &entries)
    : addresses_(addresses), registry_(registry), stubs_(stubs), entries_(entries) {}

FdeFinder::~FdeFinder() { installed.remove(*this); }

void FdeFinder::install() {
  of_libgcc(); // later a stopped thread may hold the loader's lock
  fdes_of_pushed_bytes();
  installed.add(addresses_, *this);
}

/// Unwinders look a return PC up by the byte before it: for a stub, the one before its entry.
PlacedFde FdeFinder::find(std::uint64_t pc) const noexcept {
  if (const auto stub = stubs_.find(pc + 1)) {
    stubs_found_.fetch_add(1, std::memory_order_relaxed);
    return static_cast<const ReturnStub *>(stub->handle)->fde;
  }
  const PlacedFde found = registry_.with_found(pc, [pc](const CodeObject *object) {
    for (const PlacedFde &fde : object ? llvm::ArrayRef(object->fdes) : llvm::ArrayRef<PlacedFde>())
      if (fde.begin <= pc && pc < fde.end)
        return fde;
    return PlacedFde{};
  });
  if (found.address != 0 || !is_leaf(pc))
    return found;
  return fdes_of_pushed_bytes().find(pc, UnwindRow::leaf().cfa_offset);
}

/// Entries, and the jumps by which an object's calls leave it, have no FDE of their own.
bool FdeFinder::is_leaf(std::uint64_t pc) const noexcept {
  if (entries_.contains(pc))
    return true;
  return registry_.with_found(pc, [pc](const CodeObject *object) {
    const UnwindRow *row = object ? object->rows.find(object->offset_of(pc)) : nullptr;
    return row && *row == UnwindRow::leaf();
  });
}

PlacedFde FdeFinder::find_interrupted(std::uint64_t pc) const noexcept {
  const auto found = stubs_.stub_around(pc);
  if (!found)
    return {};
  const StubCode &stub = *found->stub;
  return {stub.begin, stub.end, reinterpret_cast<std::uint64_t>(stub.eh_frame.data()) + stub.fde};
}

} // namespace osr

extern "C" const void *_Unwind_Find_FDE(void *pc, osr::dwarf_eh_bases *bases) {
  const auto address = reinterpret_cast<std::uint64_t>(pc);
  const auto take = [bases](const osr::PlacedFde &fde) {
    if (fde.address != 0)
      *bases = {nullptr, nullptr, reinterpret_cast<void *>(fde.begin)};
    return reinterpret_cast<const void *>(fde.address);
  };
  const osr::FdeFinder *finder = osr::installed.find(address);
  if (const void *fde = finder ? take(finder->find(address)) : nullptr)
    return fde;
  osr::FindFde *const others = osr::of_libgcc();
  if (const void *fde = others ? others(pc, bases) : nullptr)
    return fde;
  return take(finder ? finder->find_interrupted(address) : osr::find_in_linkage_table(address));
}
