#include "runtime/code/program_segments.h"

#include "runtime/code/range_map.h"
#include "runtime/machine/page_size.h"
#include "runtime/process/in_library.h"

#include <algorithm>
#include <utility>

namespace osr {
namespace {

using Callback = int (*)(dl_phdr_info *, std::size_t, void *);

constinit RangeMap<ProgramSegments> installed;

struct Iteration {
  Callback callback;
  void *data;
  bool has_executable = false;
};

/// By name: in an executable that exports its symbols the plain one is interposed, and leads here.
decltype(&dl_iterate_phdr) of_library() {
  static const auto found = in_library(&dl_iterate_phdr, "dl_iterate_phdr");
  return found;
}

/// The executable comes first.
int report(dl_phdr_info *info, std::size_t size, void *data) {
  auto &iteration = *static_cast<Iteration *>(data);
  if (const int result = iteration.callback(info, size, iteration.data))
    return result;
  if (std::exchange(iteration.has_executable, true))
    return 0;
  int result = 0;
  installed.visit_until([&](ProgramSegments &segments) {
    dl_phdr_info program = segments.describe(*info);
    result = iteration.callback(&program, std::min(size, sizeof program), iteration.data);
    return result != 0;
  });
  return result;
}

} // namespace

ProgramSegments::ProgramSegments(const SlabArena &arena) : arena_(arena) {
  for (unsigned i = 0; i < kinds.size(); ++i) {
    headers_[i].p_type = PT_LOAD;
    headers_[i].p_flags = kinds[i] == SlabKind::Data ? PF_R | PF_W : PF_R;
    headers_[i].p_vaddr = headers_[i].p_paddr = arena.range(kinds[i]).begin;
    headers_[i].p_align = page_size;
  }
}

/// Under the lock of the dynamic linker, as libraries go: who is being told of segments may look at them.
ProgramSegments::~ProgramSegments() {
  const auto remove = [](dl_phdr_info *, std::size_t, void *self) {
    installed.remove(*static_cast<ProgramSegments *>(self));
    return 1;
  };
  of_library()(remove, this);
}

void ProgramSegments::install() { installed.add(arena_.addresses(), *this); }

dl_phdr_info ProgramSegments::describe(const dl_phdr_info &executable) {
  for (unsigned i = 0; i < kinds.size(); ++i) {
    const std::uint64_t size = arena_.highest_used(kinds[i]) - headers_[i].p_vaddr;
    std::atomic_ref(headers_[i].p_memsz).store(size, std::memory_order_relaxed); // several threads may ask
    std::atomic_ref(headers_[i].p_filesz).store(size, std::memory_order_relaxed);
  }
  dl_phdr_info info = executable; // with its counts of loaded objects
  info.dlpi_addr = 0;
  info.dlpi_name = name;
  info.dlpi_phdr = headers_.data();
  info.dlpi_phnum = ElfW(Half)(headers_.size());
  info.dlpi_tls_modid = 0;
  info.dlpi_tls_data = nullptr;
  return info;
}

int iterate_program_headers(Callback callback, void *data) {
  Iteration iteration{callback, data};
  return of_library()(report, &iteration);
}

std::vector<AbsoluteSymbol> program_segment_symbols() {
  return {{"dl_iterate_phdr", reinterpret_cast<std::uint64_t>(iterate_program_headers)}};
}

} // namespace osr
