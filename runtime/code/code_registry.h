// PC -> code object, for walkers that may not wait: they run while other threads are stopped at any instruction.
//
// The code slab is divided into pages. Each page has a pointer to an immutable table of the objects that overlap it. To
// add or remove an object, new tables are made for its pages and published one by one; the old ones stay until
// collect(), as a reader may still look at them. So a look-up is a few loads whatever the number of objects, and adding
// costs the same at the first and at the ten-thousandth object (a sorted array of all would be copied each time).
#pragma once

#include "compiler/base/mutex.h"
#include "runtime/code/code_object.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace osr {

/// A return PC of a site.
struct ReturnSite {
  const CodeObject *object = nullptr; ///< null: the PC is no return PC of a site
  SiteHandle site;
  explicit operator bool() const { return object != nullptr; }
};

/// find functions: lock-free, allocation-free, callable from a signal handler. All others take a lock. Objects are
/// owned by the caller; one that was removed must live until collect() was called afterwards.
class CodeRegistry {
public:
  /// `code` is the range that all objects lie in, such as SlabArena::range(SlabKind::Code).
  explicit CodeRegistry(Extent code);
  ~CodeRegistry();
  CodeRegistry(const CodeRegistry &) = delete;
  CodeRegistry &operator=(const CodeRegistry &) = delete;

  /// Overlapping objects, one outside the code range, or one that does not begin at a multiple of 16 are bugs
  /// (OSR_CHECK).
  void add(const CodeObject &object);
  void remove(const CodeObject &object);

  /// The object whose code contains the instruction at `pc`. For a PC read from a return-PC slot pass pc-1: a call may
  /// be the last instruction of its object.
  const CodeObject *find(std::uint64_t pc) const noexcept;

  /// The same for a caller that no lock keeps apart from collect(): `use` is called with the object, or null, before
  /// anything that was found may be freed.
  template <typename Use> auto with_found(std::uint64_t pc, Use use) const noexcept {
    struct Reader {
      std::atomic<unsigned> &count;
      explicit Reader(std::atomic<unsigned> &readers) : count(readers) {
        count.fetch_add(1, std::memory_order_seq_cst);
      }
      ~Reader() { count.fetch_sub(1, std::memory_order_release); }
    } reader(readers_);
    return use(find(pc));
  }

  /// Whether a thread is inside with_found(). What look-ups have ceased to find may be freed when there is none.
  bool has_readers() const noexcept { return readers_.load(std::memory_order_seq_cst) != 0; }

  /// The site whose return PC is `pc` (exactly, not minus one). O(1) expected.
  ReturnSite find_return_site(std::uint64_t pc) const noexcept;

  /// Frees what was replaced, unless a thread is inside with_found(): then another time. Allowed when no thread is inside
  /// another find function, such as during a handshake or when all walkers have passed a common point; nothing else ever
  /// frees it.
  void collect();

  std::size_t size() const;
  /// Bytes waiting for collect().
  std::size_t retired_bytes() const;
  /// All objects, ascending by address.
  std::vector<const CodeObject *> objects() const;

private:
  static constexpr std::uint64_t bytes_per_page = 4096;
  static constexpr std::uint64_t granule = 16; ///< objects begin at multiples of it, so none shares one with another
  struct Page;
  struct FreeMemory {
    void operator()(void *memory) const { std::free(memory); }
  };

  std::size_t page_index(std::uint64_t pc) const noexcept { return (pc - code_.begin) / bytes_per_page; }
  template <typename Edit> void edit_pages(const CodeObject &object, Edit edit) OSR_REQUIRES(mutex_);

  Extent code_;
  std::unique_ptr<std::atomic<const Page *>[], FreeMemory> pages_; ///< from calloc: untouched parts cost nothing
  mutable Mutex mutex_; ///< of changes
  std::vector<std::unique_ptr<const Page>> retired_ OSR_GUARDED_BY(mutex_);
  std::size_t size_ OSR_GUARDED_BY(mutex_) = 0;
  mutable std::atomic<unsigned> readers_ = 0; ///< inside with_found()
};

} // namespace osr
