#include "runtime/guest/fde_finder.h"

#include "runtime/code/range_map.h"
#include "runtime/engine/stub_factory.h"
#include "runtime/process/in_library.h"

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

FindFde *of_libgcc() {
  static const auto find = in_library(static_cast<FindFde *>(nullptr), "_Unwind_Find_FDE");
  return find;
}

} // namespace

FdeFinder::~FdeFinder() { installed.remove(*this); }

void FdeFinder::install() {
  of_libgcc(); // later a stopped thread may hold the loader's lock
  installed.add(addresses_, *this);
}

/// Unwinders look a return PC up by the byte before it: for a stub, the one before its entry.
PlacedFde FdeFinder::find(std::uint64_t pc) const noexcept {
  if (const auto stub = stubs_.find(pc + 1)) {
    stubs_found_.fetch_add(1, std::memory_order_relaxed);
    return static_cast<const ReturnStub *>(stub->handle)->fde;
  }
  return registry_.with_found(pc, [pc](const CodeObject *object) {
    for (const PlacedFde &fde : object ? llvm::ArrayRef(object->fdes) : llvm::ArrayRef<PlacedFde>())
      if (fde.begin <= pc && pc < fde.end)
        return fde;
    return PlacedFde{};
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
  return finder ? take(finder->find_interrupted(address)) : nullptr;
}
