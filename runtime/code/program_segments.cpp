#include "runtime/code/program_segments.h"

#include <algorithm>
#include <atomic>
#include <dlfcn.h>
#include <utility>

namespace osr {
namespace {

using Callback = int (*)(dl_phdr_info *, std::size_t, void *);

std::atomic<ProgramSegments *> installed = nullptr;

struct Iteration {
  Callback callback;
  void *data;
  ProgramSegments *segments; ///< null: reported, or there are none
};

/// The executable comes first.
int report(dl_phdr_info *info, std::size_t size, void *data) {
  auto &iteration = *static_cast<Iteration *>(data);
  if (const int result = iteration.callback(info, size, iteration.data))
    return result;
  ProgramSegments *segments = std::exchange(iteration.segments, nullptr);
  if (!segments)
    return 0;
  dl_phdr_info program = segments->describe(*info);
  return iteration.callback(&program, std::min(size, sizeof program), iteration.data);
}

} // namespace

ProgramSegments::ProgramSegments(const SlabArena &arena) : arena_(arena) {
  for (unsigned i = 0; i < kinds.size(); ++i) {
    headers_[i].p_type = PT_LOAD;
    headers_[i].p_flags = kinds[i] == SlabKind::Data ? PF_R | PF_W : PF_R;
    headers_[i].p_vaddr = headers_[i].p_paddr = arena.range(kinds[i]).begin;
    headers_[i].p_align = SlabArena::page_size;
  }
}

ProgramSegments::~ProgramSegments() {
  ProgramSegments *self = this;
  installed.compare_exchange_strong(self, nullptr);
}

void ProgramSegments::install() { installed.store(this, std::memory_order_release); }

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
  // By name: in an executable that exports its symbols the plain one is interposed, and leads here.
  static const auto library = reinterpret_cast<decltype(&dl_iterate_phdr)>(dlsym(RTLD_NEXT, "dl_iterate_phdr"));
  Iteration iteration{callback, data, installed.load(std::memory_order_acquire)};
  return library(iteration.segments ? report : callback, iteration.segments ? &iteration : data);
}

std::vector<AbsoluteSymbol> program_segment_symbols() {
  return {{"dl_iterate_phdr", reinterpret_cast<std::uint64_t>(iterate_program_headers)}};
}

} // namespace osr
