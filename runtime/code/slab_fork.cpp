// A memfd mapping stays shared over fork(): code that one process adds or frees would appear in the other. So the
// forking thread makes a copy of the file before the fork, and the child maps the copy in place of the original. Only
// pages that were ever written are copied. The locks are held meanwhile, so that the child's free lists are consistent.
#include "runtime/code/slab_fork.h"

#include "compiler/base/error.h"
#include "runtime/code/slab_arena.h"

#include <llvm/ADT/STLExtras.h>

#include <cstring>
#include <mutex>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace osr {

namespace {

std::mutex arenas_mutex;
std::vector<SlabArena *> arenas;

} // namespace

struct SlabForkHandlers {
  /// Copies the written pages of one slab; false if the kernel is out of memory.
  static bool copy_slab(const SlabArena &arena, SlabKind kind, int to) {
    const auto &slab = arena.slab(kind);
    const off_t end = off_t(slab.file_offset + slab.range.size());
    off_t position = ::lseek(arena.file_, off_t(slab.file_offset), SEEK_DATA);
    while (position >= 0 && position < end) {
      const off_t hole = std::min(::lseek(arena.file_, position, SEEK_HOLE), end);
      while (position < hole) {
        const char *bytes = slab.writable + (position - off_t(slab.file_offset));
        const ssize_t written = ::pwrite(to, bytes, std::size_t(hole - position), position);
        if (written <= 0)
          return false;
        position += written;
      }
      position = ::lseek(arena.file_, position, SEEK_DATA);
    }
    return true;
  }

  static void copy_file(SlabArena &arena) {
    const off_t size = ::lseek(arena.file_, 0, SEEK_END);
    const int copy = ::memfd_create("osr-code", MFD_CLOEXEC);
    if (copy < 0)
      return;
    if (::ftruncate(copy, size) == 0 && copy_slab(arena, SlabKind::Code, copy) &&
        copy_slab(arena, SlabKind::ReadOnly, copy))
      arena.forked_file_ = copy;
    else
      ::close(copy);
  }

  static void prepare() {
    arenas_mutex.lock();
    for (SlabArena *arena : arenas) {
      for (auto &slab : arena->slabs_)
        slab->mutex.lock();
      copy_file(*arena);
    }
  }

  static void unlock_all() {
    for (SlabArena *arena : llvm::reverse(arenas))
      for (auto &slab : llvm::reverse(arena->slabs_))
        slab->mutex.unlock();
    arenas_mutex.unlock();
  }

  static void in_parent() {
    for (SlabArena *arena : arenas)
      if (arena->forked_file_ >= 0)
        ::close(std::exchange(arena->forked_file_, -1));
    unlock_all();
  }

  static bool remap(SlabArena &arena, SlabKind kind, int protection) {
    const auto &slab = arena.slab(kind);
    const auto place = [&](void *at, int with) {
      return ::mmap(at, slab.range.size(), with, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, arena.forked_file_,
                    off_t(slab.file_offset)) != MAP_FAILED;
    };
    return place(reinterpret_cast<void *>(slab.range.begin), protection) &&
           place(slab.writable, PROT_READ | PROT_WRITE);
  }

  [[noreturn]] static void give_up() {
    constexpr char text[] = "osr: fork failed: no memory for the child's copy of the generated code\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, sizeof text - 1);
    ::_exit(127);
  }

  static void in_child() {
    for (SlabArena *arena : arenas) {
      const bool own = arena->forked_file_ >= 0 && remap(*arena, SlabKind::Code, PROT_READ | PROT_EXEC) &&
                       remap(*arena, SlabKind::ReadOnly, PROT_READ);
      // Without a copy the child would run code that the parent may free: better no child than a wrong one.
      if (!own)
        give_up();
      ::close(arena->file_);
      arena->file_ = std::exchange(arena->forked_file_, -1);
    }
    unlock_all();
  }
};

llvm::Error add_fork_handlers(SlabArena &arena) {
  static const int installed =
      ::pthread_atfork(SlabForkHandlers::prepare, SlabForkHandlers::in_parent, SlabForkHandlers::in_child);
  if (installed != 0)
    return make_error("cannot install fork handlers: {}", std::strerror(installed));
  std::lock_guard lock(arenas_mutex);
  arenas.push_back(&arena);
  return llvm::Error::success();
}

void remove_fork_handlers(SlabArena &arena) {
  std::lock_guard lock(arenas_mutex);
  llvm::erase(arenas, &arena);
}

} // namespace osr
