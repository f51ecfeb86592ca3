#include "runtime/code/slab_arena.h"

#include "compiler/base/check.h"
#include "compiler/base/error_code.h"
#include "runtime/code/slab_fork.h"
#include "runtime/machine/instructions.h"
#include "runtime/machine/page_size.h"

#include <llvm/Support/Errno.h>
#include <llvm/Support/MathExtras.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace osr {

namespace {

constexpr std::uint64_t reach = std::uint64_t(2) << 30; // of a signed 32-bit displacement
constexpr std::uint64_t dumped_at_once = std::uint64_t(1) << 20;

/// Code starts and ends at multiples of 16 so that functions keep their alignment; the rest is packed by 8.
std::uint64_t granule(SlabKind kind) { return kind == SlabKind::Code ? 16 : 8; }

const char *name_of(SlabKind kind) {
  switch (kind) {
  case SlabKind::Code: return "code";
  case SlabKind::ReadOnly: return "read-only data";
  case SlabKind::Data: return "data";
  }
  OSR_CHECK(false, "slab kind {}", unsigned(kind));
}

llvm::Error system_error(const char *what, std::uint64_t size) {
  const int error = errno;
  return make_error(ErrorCode::NoMemory,
                    "cannot reserve {} MiB for generated code: {} failed: {} (see `ulimit -v`, or use smaller slabs)",
                    size >> 20, what, llvm::sys::StrError(error));
}

/// Valgrind has no mremap that leaves the old mapping: a file does, which is closed before anything of the program runs.
void *map_two_views_of_file(void *seen, std::uint64_t size) {
  const int file = ::memfd_create("osr-code", MFD_CLOEXEC);
  if (file < 0)
    return MAP_FAILED;
  void *writable = MAP_FAILED;
  if (::ftruncate(file, off_t(size)) == 0 &&
      ::mmap(seen, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file, 0) != MAP_FAILED)
    writable = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  ::close(file);
  return writable;
}

} // namespace

int protection_of(SlabKind kind) {
  switch (kind) {
  case SlabKind::Code: return PROT_READ | PROT_EXEC;
  case SlabKind::ReadOnly: return PROT_READ;
  case SlabKind::Data: return PROT_READ | PROT_WRITE;
  }
  OSR_CHECK(false, "slab kind {}", unsigned(kind));
}

llvm::Expected<std::unique_ptr<SlabArena>> SlabArena::create(const SlabSizes &sizes) {
  std::unique_ptr<SlabArena> arena(new SlabArena);
  if (llvm::Error error = arena->map(sizes))
    return error;
  if (llvm::Error error = add_fork_handlers(*arena))
    return error;
  return arena;
}

llvm::Error SlabArena::map(const SlabSizes &sizes) {
  const std::array<std::uint64_t, slab_kind_count> wanted{sizes.code, sizes.read_only, sizes.data};
  std::array<std::uint64_t, slab_kind_count> size{};
  for (unsigned i = 0; i != slab_kind_count; ++i) {
    if (wanted[i] == 0 || wanted[i] > reach)
      return make_error(ErrorCode::Invalid, "the {} slab cannot have {} bytes", name_of(SlabKind(i)), wanted[i]);
    size[i] = llvm::alignTo(wanted[i], page_size);
    reservation_size_ += size[i];
  }
  if (reservation_size_ > reach)
    return make_error(ErrorCode::Invalid,
                      "code, read-only data and data slabs need {} MiB together; at most {} MiB can be addressed",
                      reservation_size_ >> 20, reach >> 20);
  void *base = ::mmap(nullptr, reservation_size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED)
    return system_error("mmap", reservation_size_);
  reservation_ = static_cast<char *>(base);
  auto address = reinterpret_cast<std::uint64_t>(base);
  for (unsigned i = 0; i != slab_kind_count; ++i) {
    slabs_[i] = std::make_unique<Slab>(Extent{address, address + size[i]});
    address += size[i];
  }
  for (SlabKind kind : {SlabKind::Code, SlabKind::ReadOnly})
    if (llvm::Error error = map_two_views(kind))
      return error;
  Slab &data = slab(SlabKind::Data);
  data.writable = reinterpret_cast<char *>(data.range.begin);
  if (::mprotect(data.writable, data.range.size(), protection_of(SlabKind::Data)) != 0)
    return system_error("mprotect", data.range.size());
  for (const auto &mapped : slabs_) {
    Lock lock(mapped->mutex);
    leave_out_of_cores(*mapped);
  }
  return llvm::Error::success();
}

void SlabArena::leave_out_of_cores(const Slab &slab) {
  ::madvise(slab.writable, slab.range.size(), MADV_DONTDUMP);
  auto *const seen = reinterpret_cast<char *>(slab.range.begin);
  ::madvise(seen, slab.range.size(), MADV_DONTDUMP);
  if (const std::uint64_t used = slab.dumped_end - slab.range.begin; used != 0)
    ::madvise(seen, used, MADV_DODUMP);
}

/// In large pieces: each is a mapping of its own until the kernel joins it with the one before.
void SlabArena::dump_used(Slab &slab) {
  const std::uint64_t end =
      std::min(llvm::alignTo(slab.highest_used.load(std::memory_order_relaxed), dumped_at_once), slab.range.end);
  if (end <= slab.dumped_end)
    return;
  ::madvise(reinterpret_cast<char *>(slab.dumped_end), end - slab.dumped_end, MADV_DODUMP);
  slab.dumped_end = end;
}

/// The program's view loses its right to write before anybody has its address, and before it gets the right to execute.
llvm::Error SlabArena::map_two_views(SlabKind kind) {
  Slab &to = slab(kind);
  const std::uint64_t size = to.range.size();
  void *const seen = reinterpret_cast<void *>(to.range.begin);
  if (::mmap(seen, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) ==
      MAP_FAILED)
    return system_error("mmap of the program's view", size);
  void *writable = ::mremap(seen, 0, size, MREMAP_MAYMOVE);
  if (writable == MAP_FAILED && errno == EINVAL)
    writable = map_two_views_of_file(seen, size);
  if (writable == MAP_FAILED)
    return system_error("mremap to the writable view", size);
  to.writable = static_cast<char *>(writable);
  if (::mprotect(seen, size, protection_of(kind)) != 0)
    return system_error("mprotect of the program's view", size);
  return llvm::Error::success();
}

SlabArena::~SlabArena() {
  remove_fork_handlers(*this);
  for (SlabKind kind : {SlabKind::Code, SlabKind::ReadOnly})
    if (slabs_[unsigned(kind)] != nullptr && slab(kind).writable != nullptr)
      ::munmap(slab(kind).writable, slab(kind).range.size());
  if (reservation_ != nullptr)
    ::munmap(reservation_, reservation_size_);
}

llvm::Expected<SlabMemory> SlabArena::allocate(SlabKind kind, std::uint64_t size, std::uint64_t align) {
  OSR_CHECK(llvm::isPowerOf2_64(align), "alignment {}", align);
  Slab &from = slab(kind);
  if (align > reach)
    return make_error("the {} slab has no address that is a multiple of {}", name_of(kind), align);
  if (size > from.range.size()) // also keeps the sums below from overflowing
    return make_error(ErrorCode::NoMemory, "the {} slab has {} bytes, {} are wanted at once", name_of(kind),
                      from.range.size(), size);
  size = llvm::alignTo(std::max<std::uint64_t>(size, 1), granule(kind));
  Lock lock(from.mutex);
  const std::optional<std::uint64_t> address = from.free.take(size, std::max(align, granule(kind)));
  if (!address)
    return make_error(ErrorCode::NoMemory,
                      "the {} slab is full: {} bytes are wanted, {} of {} are free in {} pieces (choose larger slabs)",
                      name_of(kind), size, from.free.free_bytes(), from.range.size(), from.free.extent_count());
  if (*address + size > from.highest_used.load(std::memory_order_relaxed)) {
    from.highest_used.store(*address + size, std::memory_order_release);
    dump_used(from);
  }
  return SlabMemory{kind, *address, from.writable + (*address - from.range.begin), size};
}

void SlabArena::release(const SlabMemory &memory) {
  Slab &to = slab(memory.kind);
  const Extent freed{memory.address, memory.address + memory.size};
  OSR_CHECK(to.range.begin <= freed.begin && freed.end <= to.range.end, "{:#x}..{:#x} is not in the {} slab",
            freed.begin, freed.end, name_of(memory.kind));
  Lock lock(to.mutex);
  const Extent merged = to.free.give_back(freed);
  // The pages that became free as a whole: those that `freed` touches and that lie within `merged`.
  Extent pages{std::max(llvm::alignTo(merged.begin, page_size), llvm::alignDown(freed.begin, page_size)),
               std::min(llvm::alignDown(merged.end, page_size), llvm::alignTo(freed.end, page_size))};
  if (pages.begin >= pages.end)
    pages = {freed.end, freed.end};
  const int filler = memory.kind == SlabKind::Code ? trap_byte : 0;
  if (freed.begin < pages.begin)
    std::memset(memory.writable, filler, std::min(pages.begin, freed.end) - freed.begin);
  if (pages.end < freed.end)
    std::memset(to.writable + (pages.end - to.range.begin), filler, freed.end - pages.end);
  if (pages.size() != 0)
    give_pages_back(to, memory.kind, pages);
}

void SlabArena::give_pages_back(Slab &slab, SlabKind kind, Extent pages) {
  char *const begin = slab.writable + (pages.begin - slab.range.begin);
  const int advice = kind == SlabKind::Data ? MADV_DONTNEED : MADV_REMOVE; // the latter from both views
  if (::madvise(begin, pages.size(), advice) != 0) // the kernel keeps the pages: then they must be made zero by hand
    std::memset(begin, 0, pages.size());
}

char *SlabArena::writable(std::uint64_t address) const {
  for (const auto &slab : slabs_)
    if (slab->range.contains(address))
      return slab->writable + (address - slab->range.begin);
  return nullptr;
}

std::uint64_t SlabArena::used_bytes(SlabKind kind) const {
  const Slab &of = slab(kind);
  Lock lock(of.mutex);
  return of.range.size() - of.free.free_bytes();
}

} // namespace osr
