// Shared memory stays shared over fork(): code that one process adds or frees would appear in the other. So the forking
// thread makes a copy before the fork, and the child moves it to where the original was. What is free is not copied.
// The locks are held meanwhile, so that the child's free lists are consistent.
#include "runtime/code/slab_fork.h"

#include "compiler/base/error.h"
#include "compiler/base/mutex.h"
#include "runtime/process/fork_handlers.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Errno.h>

#include <array>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace osr {

namespace {

Mutex arenas_mutex;
auto &arenas OSR_GUARDED_BY(arenas_mutex) =
    *new std::vector<SlabArena *>; ///< never destroyed: threads work while the process ends

} // namespace

struct SlabForkHandlers {
  using Slab = SlabArena::Slab;
  static constexpr std::array copied{SlabKind::Code, SlabKind::ReadOnly}; ///< the kernel copies Data

  /// Leaves `copy` null if the kernel has no memory for it.
  static void copy(Slab &slab) OSR_REQUIRES(slab.mutex) {
    // A program that locks all its memory would have every page of a new mapping filled at once, but not of this one.
    void *const at = ::mmap(nullptr, slab.range.size(), PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
      return;
    slab.copy = static_cast<char *>(at);
    if (::mprotect(at, slab.range.size(), PROT_READ | PROT_WRITE) != 0)
      return drop_copy(slab);
    slab.free.for_each_taken(slab.range, [&](Extent taken) {
      const std::uint64_t offset = taken.begin - slab.range.begin;
      std::memcpy(slab.copy + offset, slab.writable + offset, taken.size());
    });
  }

  static void drop_copy(Slab &slab) {
    if (slab.copy != nullptr)
      ::munmap(std::exchange(slab.copy, nullptr), slab.range.size());
  }

  // Locks are taken in one function and given back in another: OSR_UNCHECKED_LOCKS.
  OSR_UNCHECKED_LOCKS static void prepare() {
    arenas_mutex.lock();
    for (SlabArena *arena : arenas) {
      for (auto &slab : arena->slabs_)
        slab->mutex.lock();
      for (SlabKind kind : copied)
        copy(arena->slab(kind));
    }
  }

  OSR_UNCHECKED_LOCKS static void unlock_all() {
    for (SlabArena *arena : llvm::reverse(arenas))
      for (auto &slab : llvm::reverse(arena->slabs_))
        slab->mutex.unlock();
    arenas_mutex.unlock();
  }

  OSR_UNCHECKED_LOCKS static void in_parent() {
    for (SlabArena *arena : arenas)
      for (SlabKind kind : copied)
        drop_copy(arena->slab(kind));
    unlock_all();
  }

  /// The copy takes the place of both views. It is as the program may see it before the program does.
  static bool move_copy(Slab &slab, SlabKind kind) {
    const std::uint64_t size = slab.range.size();
    char *const copy = std::exchange(slab.copy, nullptr);
    return copy != nullptr && ::mremap(copy, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, slab.writable) != MAP_FAILED &&
           ::mprotect(copy, size, protection_of(kind)) == 0 &&
           ::mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, reinterpret_cast<void *>(slab.range.begin)) !=
               MAP_FAILED;
  }

  [[noreturn]] static void give_up() {
    constexpr char text[] = "osr: fork failed: no memory for the child's copy of the generated code\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, sizeof text - 1);
    ::_exit(127);
  }

  OSR_UNCHECKED_LOCKS static void in_child() {
    for (SlabArena *arena : arenas)
      for (SlabKind kind : copied) {
        if (!move_copy(arena->slab(kind), kind)) // it would run code that the parent may free: better no child
          give_up();
        SlabArena::leave_out_of_cores(arena->slab(kind));
      }
    unlock_all();
  }
};

llvm::Error install_slab_fork_handlers() {
  static const int installed =
      add_fork_handlers({SlabForkHandlers::prepare, [](ForkSide side) {
                           side == ForkSide::Child ? SlabForkHandlers::in_child() : SlabForkHandlers::in_parent();
                         }});
  return installed == 0 ? llvm::Error::success()
                        : make_error("cannot install fork handlers: {}", llvm::sys::StrError(installed));
}

llvm::Error add_fork_handlers(SlabArena &arena) {
  if (llvm::Error error = install_slab_fork_handlers())
    return error;
  Lock lock(arenas_mutex);
  arenas.push_back(&arena);
  return llvm::Error::success();
}

void remove_fork_handlers(SlabArena &arena) {
  Lock lock(arenas_mutex);
  llvm::erase(arenas, &arena);
}

} // namespace osr
