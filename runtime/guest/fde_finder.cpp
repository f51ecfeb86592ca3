#include "runtime/guest/fde_finder.h"

#include "compiler/base/error.h"
#include "runtime/code/eh_frame_builder.h"
#include "runtime/code/range_map.h"
#include "runtime/code/shared_objects.h"
#include "runtime/engine/stub_factory.h"
#include "runtime/machine/elf_numbers.h"
#include "runtime/machine/instructions.h"
#include "runtime/machine/page_size.h"
#include "runtime/process/in_library.h"
#include "runtime/threads/staying.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/MathExtras.h>

#include <array>
#include <atomic>
#include <dlfcn.h>
#include <sys/mman.h>
#include <unwind.h>

namespace osr {

/// What libgcc wants to know besides the FDE (its unwind-dw2-fde.h).
struct dwarf_eh_bases {
  void *text;
  void *data;
  void *function;
};

} // namespace osr

extern "C" const void *_Unwind_Find_FDE(void *pc, osr::dwarf_eh_bases *bases);

namespace osr {
namespace {

constinit RangeMap<const FdeFinder> installed;

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

constexpr const char *find_fde = "_Unwind_Find_FDE", *libgcc = "libgcc_s.so.1";

/// What libgcc calls if this library does nothing: its own, or that of somebody who has come before.
FindFde *of_process() { return reinterpret_cast<FindFde *>(::dlsym(RTLD_DEFAULT, find_fde)); }

FindFde *of_others() {
  static FindFde *const process = of_process();
  static FindFde *const find = process == &_Unwind_Find_FDE ? in_library(process, find_fde) : process;
  return find;
}

llvm::Error overwrite(const SharedObject &object, std::uint64_t place, std::uint64_t value) {
  const bool is_protected = llvm::any_of(object.read_only, [&](const Extent &part) { return part.contains(place); });
  void *const page = reinterpret_cast<void *>(llvm::alignDown(place, page_size));
  if (is_protected && ::mprotect(page, page_size, PROT_READ | PROT_WRITE) != 0)
    return make_error("the unwinder cannot be told of compiled code: mprotect failed: {}", llvm::sys::StrError());
  std::atomic_ref(*reinterpret_cast<std::uint64_t *>(place)).store(value);
  if (is_protected)
    ::mprotect(page, page_size, PROT_READ);
  return llvm::Error::success();
}

/// The words through which the library calls the function.
std::vector<std::uint64_t> places_bound_to_find_fde(const SharedObject &object) {
  std::vector<std::uint64_t> places;
  for (const llvm::ArrayRef<Elf64_Rela> table : object.relocations)
    for (const Elf64_Rela &relocation : table) {
      const auto index = ELF64_R_SYM(relocation.r_info);
      if (binds_symbol(ELF64_R_TYPE(relocation.r_info)) && index < object.symbols.size() &&
          object.name_of(object.symbols[index]) == find_fde)
        places.push_back(object.base + relocation.r_offset);
    }
  return places;
}

/// Each place is bound by the dynamic linker before: it does not write there again.
llvm::Error bind_unwinder() {
  if (of_process() == &_Unwind_Find_FDE)
    return llvm::Error::success();
  of_others();
  _Unwind_Backtrace([](_Unwind_Context *, void *) { return _URC_NO_REASON; }, nullptr);
  for (const SharedObject &object : find_shared_objects()) {
    if (object.name != libgcc)
      continue;
    const std::vector<std::uint64_t> places = places_bound_to_find_fde(object);
    for (const std::uint64_t place : places)
      if (llvm::Error error = overwrite(object, place, reinterpret_cast<std::uint64_t>(&_Unwind_Find_FDE)))
        return error;
    if (!places.empty())
      return llvm::Error::success();
  }
  return make_error("exceptions could not pass through compiled code: {} calls {} where this library cannot answer",
                    libgcc, find_fde);
}

} // namespace

llvm::Error reach_unwinder() {
  static const std::string problem = llvm::toString(bind_unwinder()); // the same each time
  return problem.empty() ? llvm::Error::success() : make_error("{}", problem);
}

FdeFinder::FdeFinder(Extent addresses, const CodeRegistry &registry, const StubTable &stubs, const EntryTable &entries)
    : addresses_(addresses), registry_(registry), stubs_(stubs), entries_(entries) {}

FdeFinder::~FdeFinder() { installed.remove(*this); }

void FdeFinder::install() {
  of_others(); // later a stopped thread may hold the loader's lock
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
  osr::end_stay(); // the first question is about the unwinder's own frame: it has read no return PC yet
  const auto address = reinterpret_cast<std::uint64_t>(pc);
  const auto take = [bases](const osr::PlacedFde &fde) {
    if (fde.address != 0)
      *bases = {nullptr, nullptr, reinterpret_cast<void *>(fde.begin)};
    return reinterpret_cast<const void *>(fde.address);
  };
  const osr::FdeFinder *finder = osr::installed.find(address);
  if (const void *fde = finder ? take(finder->find(address)) : nullptr)
    return fde;
  osr::FindFde *const others = osr::of_others();
  if (const void *fde = others ? others(pc, bases) : nullptr)
    return fde;
  return take(finder ? finder->find_interrupted(address) : osr::find_in_linkage_table(address));
}
