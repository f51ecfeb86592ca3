#include "runtime/code/library_thread_locals.h"

#include <llvm/ExecutionEngine/Orc/AbsoluteSymbols.h>

#include <dlfcn.h>
#include <link.h>

#include <cstddef>

extern "C" {
void *__emutls_get_address(void *control);
void *__tls_get_addr(void *place); // two words: the segment's number, the offset in it
}

namespace osr {

static_assert(sizeof(ThreadLocalControl) == 32);
static_assert(offsetof(ThreadLocalControl, initial_value) == offsetof(ThreadLocalControl, index) + 8);

namespace {

/// The segment of the calling thread that holds `address`.
struct SegmentSearch {
  std::uint64_t address;
  std::optional<ThreadLocalControl> found;
};

int look_at_library(dl_phdr_info *library, std::size_t, void *argument) {
  auto &search = *static_cast<SegmentSearch *>(argument);
  const auto begin = reinterpret_cast<std::uint64_t>(library->dlpi_tls_data);
  for (unsigned i = 0; begin != 0 && i < library->dlpi_phnum; ++i)
    if (const auto &segment = library->dlpi_phdr[i];
        segment.p_type == PT_TLS && search.address - begin < segment.p_memsz)
      search.found = {.index = library->dlpi_tls_modid, .initial_value = search.address - begin};
  return search.found.has_value();
}

} // namespace

void *thread_local_address(ThreadLocalControl *control) {
  return control->alignment == 0 ? __tls_get_addr(&control->index) : __emutls_get_address(control);
}

std::optional<ThreadLocalControl> find_library_thread_local(const char *name) {
  // Of a thread-local variable dlsym gives the calling thread's own, and makes it first if need be.
  SegmentSearch search{reinterpret_cast<std::uint64_t>(::dlsym(RTLD_DEFAULT, name)), {}};
  if (search.address != 0)
    ::dl_iterate_phdr(look_at_library, &search);
  return search.found;
}

llvm::Error LibraryThreadLocals::tryToGenerate(llvm::orc::LookupState &, llvm::orc::LookupKind,
                                               llvm::orc::JITDylib &dylib, llvm::orc::JITDylibLookupFlags,
                                               const llvm::orc::SymbolLookupSet &symbols) {
  llvm::orc::SymbolMap made;
  for (const auto &[symbol, flags] : symbols) {
    llvm::StringRef name = *symbol;
    if (!name.consume_front(prefix))
      continue;
    if (auto control = find_library_thread_local(name.str().c_str()))
      made[symbol] = {llvm::orc::ExecutorAddr::fromPtr(&controls_.emplace_back(*control)),
                      llvm::JITSymbolFlags::Exported};
  }
  return made.empty() ? llvm::Error::success() : dylib.define(llvm::orc::absoluteSymbols(std::move(made)));
}

} // namespace osr
