// The allocation functions of a process in which the runtime has a heap of its own (own_heap.h). Linked into executables
// that want this; they have to export their symbols.
//
// The runtime's heap is mimalloc, kept to one range of addresses, so that a block's owner is known by its address.
#include "runtime/process/in_library.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/undisturbed.h"

#include <mimalloc.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" { // the C library's own, by the names that it has for whoever replaces the others
void *__libc_malloc(size_t) noexcept;
void *__libc_calloc(size_t, size_t) noexcept;
void *__libc_realloc(void *, size_t) noexcept;
void *__libc_memalign(size_t, size_t) noexcept;
void __libc_free(void *) noexcept;
}

namespace {

/// Of address space, of which mimalloc gives each thread that allocates 32 MiB: for 32,000 threads, or for as many as there can be where it
/// is limited.
constexpr std::size_t wanted_bytes = std::size_t(1) << 40;
/// What a core file gets of it: more would be written as it is reserved. What debuggers want is elsewhere (runtime/code/dumped_memory.h).
constexpr std::size_t dumped_bytes = std::size_t(8) << 20;
constexpr std::size_t arena_alignment = std::size_t(64) << 20; // as mimalloc wants it

/// Takes no memory until it is used. Null: the address space is limited; then there is one heap for all.
void *reserve(std::size_t bytes) {
  void *begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return begin == MAP_FAILED ? nullptr : begin;
}

/// The heap's address space was reserved whatever memory there is. So for a large block the kernel is asked as the C
/// library would ask it: what there will never be memory for is refused at once.
bool is_affordable(std::size_t size) {
  constexpr std::size_t large = std::size_t(1) << 30;
  if (size < large)
    return true;
  void *block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) {
    errno = ENOMEM;
    return false;
  }
  munmap(block, size);
  return true;
}

/// By the first allocation of the process, which is long before there are threads.
void set_up_own_heap() {
  for (std::size_t bytes :
       {wanted_bytes, wanted_bytes / 16, wanted_bytes / 64}) { // less leaves too little for the program
    auto begin = reinterpret_cast<std::uintptr_t>(reserve(bytes + arena_alignment));
    if (begin == 0)
      continue;
    const std::uintptr_t aligned = (begin + arena_alignment - 1) & ~(arena_alignment - 1);
    mi_option_set(mi_option_show_errors, 0);
    mi_option_set(mi_option_limit_os_alloc, 1);
    if (!mi_manage_os_memory(reinterpret_cast<void *>(aligned), bytes, true, false, true, -1))
      return;
    madvise(reinterpret_cast<void *>(begin), bytes + arena_alignment, MADV_DONTDUMP);
    madvise(reinterpret_cast<void *>(aligned), dumped_bytes, MADV_DODUMP);
    osr::own_heap_begin = aligned;
    osr::own_heap_size = bytes;
    return;
  }
}

bool takes_own_first() {
  static constinit bool was_set_up = false;
  if (!was_set_up) {
    was_set_up = true;
    set_up_own_heap();
  }
  return osr::has_own_heap();
}

bool takes_own() { return !osr::runs_program && (osr::has_own_heap() || takes_own_first()); }

/// The program frees a block of the runtime's heap: rare, but a handler must not come in meanwhile.
[[gnu::noinline]] void free_own_undisturbed(void *block) {
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  mi_free(block);
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
}

/// The compiler frees a million blocks a second: most of what is here is for others.
void free_own(void *block) {
  int &error = errno;
  const int saved = error;
  if (osr::runs_program && osr::handlers_are_possible()) [[unlikely]]
    free_own_undisturbed(block);
  else
    mi_free(block);
  error = saved;
}

/// To the heap that the calling thread allocates from.
void *move_block(void *block, std::size_t held, std::size_t size) {
  void *moved = malloc(size);
  if (!moved)
    return nullptr;
  std::memcpy(moved, block, std::min(held, size));
  free(block);
  return moved;
}

bool is_alignment(std::size_t alignment) { return alignment != 0 && (alignment & (alignment - 1)) == 0; }

} // namespace

extern "C" {
void *malloc(size_t size) noexcept {
  if (!takes_own())
    return __libc_malloc(size);
  return is_affordable(size) ? mi_malloc(size) : nullptr;
}

void *calloc(size_t count, size_t size) noexcept {
  if (!takes_own())
    return __libc_calloc(count, size);
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return is_affordable(bytes) ? mi_zalloc(bytes) : nullptr;
}

void free(void *block) noexcept {
  if (osr::is_in_own_heap(block))
    free_own(block);
  else
    __libc_free(block);
}

void *realloc(void *block, size_t size) noexcept {
  const bool from_own = osr::is_in_own_heap(block), to_own = takes_own();
  if (!block)
    return malloc(size);
  if (!from_own)
    return __libc_realloc(block, size);
  if (to_own)
    return is_affordable(size) ? mi_realloc(block, size) : nullptr;
  if (size == 0) {
    free(block);
    return nullptr;
  }
  return move_block(block, mi_usable_size(block), size);
}

void *memalign(size_t alignment, size_t size) noexcept {
  if (!takes_own() || !is_alignment(alignment))
    return __libc_memalign(alignment, size);
  return is_affordable(size) ? mi_memalign(alignment, size) : nullptr;
}

void *aligned_alloc(size_t alignment, size_t size) noexcept { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) noexcept {
  if (!is_alignment(alignment) || alignment % sizeof(void *) != 0)
    return EINVAL;
  const int saved_errno = errno;
  void *made = memalign(alignment, size);
  errno = saved_errno;
  if (!made)
    return ENOMEM;
  *block = made;
  return 0;
}

void *valloc(size_t size) noexcept { return memalign(size_t(getpagesize()), size); }

void *pvalloc(size_t size) noexcept {
  const auto page = size_t(getpagesize());
  if (size > SIZE_MAX - page) {
    errno = ENOMEM;
    return nullptr;
  }
  return memalign(page, (size + page - 1) / page * page);
}

size_t malloc_usable_size(void *block) noexcept {
  if (osr::is_in_own_heap(block))
    return mi_usable_size(block);
  static const auto library = osr::in_library(&malloc_usable_size, "malloc_usable_size");
  return block && library ? library(block) : 0;
}
}
