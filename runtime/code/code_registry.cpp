#include "runtime/code/code_registry.h"

#include "compiler/base/check.h"
#include "runtime/code/removals.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/MathExtras.h>
#include <llvm/Support/MemAlloc.h>

#include <array>

namespace osr {

/// The objects that overlap one page. Never changed once published.
struct CodeRegistry::Page {
  /// Both ends stand here so that a look-up does not touch the object.
  struct Item {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    const CodeObject *object = nullptr;
  };

  std::vector<Item> items;                             ///< ascending; at most one per granule
  std::array<std::uint8_t, bytes_per_page / granule> index; ///< the only item that may cover the granule

  Page(std::uint64_t page_begin, std::vector<Item> sorted) : items(std::move(sorted)) {
    std::size_t item = 0;
    for (std::size_t i = 0; i != index.size(); ++i) {
      while (item + 1 < items.size() && items[item].end <= page_begin + i * granule)
        ++item;
      index[i] = std::uint8_t(item);
    }
  }
  std::size_t bytes() const { return sizeof(Page) + items.capacity() * sizeof(Item); }
};

CodeRegistry::CodeRegistry(Extent code) : code_(code) {
  static_assert(sizeof(std::atomic<const Page *>) == sizeof(void *), "zero bytes must be a null pointer");
  pages_.reset(static_cast<std::atomic<const Page *> *>(
      llvm::safe_calloc(llvm::divideCeil(code.size(), bytes_per_page) + 1, sizeof(std::atomic<const Page *>))));
}

CodeRegistry::~CodeRegistry() {
  for (std::size_t i = 0; i != llvm::divideCeil(code_.size(), bytes_per_page); ++i)
    delete pages_[i].load(std::memory_order_relaxed);
}

/// Gives each page of the object a new table, made of items that `edit` has changed.
template <typename Edit> void CodeRegistry::edit_pages(const CodeObject &object, Edit edit) {
  const std::size_t last = page_index(object.code_begin + object.code_size - 1);
  for (std::size_t i = page_index(object.code_begin); i <= last; ++i) {
    const Page *old = pages_[i].load(std::memory_order_relaxed);
    std::vector<Page::Item> items = old != nullptr ? old->items : std::vector<Page::Item>();
    edit(items);
    pages_[i].store(items.empty() ? nullptr : new Page(code_.begin + i * bytes_per_page, std::move(items)),
                    std::memory_order_release);
    if (old != nullptr)
      retired_.emplace_back(old);
  }
}

void CodeRegistry::add(const CodeObject &object) {
  const Page::Item item{object.code_begin, object.code_begin + object.code_size, &object};
  OSR_CHECK(code_.begin <= item.begin && item.begin < item.end && item.end <= code_.end,
            "code object {} at {:#x}..{:#x} is not in {:#x}..{:#x}", object.id, item.begin, item.end, code_.begin,
            code_.end);
  OSR_CHECK(item.begin % granule == 0, "code object {} begins at {:#x}", object.id, item.begin);
  Lock lock(mutex_);
  edit_pages(object, [&](std::vector<Page::Item> &items) {
    const auto next = llvm::find_if(items, [&](const Page::Item &other) { return item.begin < other.end; });
    OSR_CHECK(next == items.end() || item.end <= next->begin, "code objects {} and {} overlap at {:#x}", object.id,
              next->object->id, next->begin);
    items.insert(next, item);
  });
  ++size_;
}

void CodeRegistry::remove(const CodeObject &object) {
  Lock lock(mutex_);
  edit_pages(object, [&](std::vector<Page::Item> &items) {
    const auto erased = llvm::remove_if(items, [&](const Page::Item &item) { return item.object == &object; });
    OSR_CHECK(items.end() - erased == 1, "code object {} is not registered", object.id);
    items.erase(erased, items.end());
  });
  --size_;
  Removals::add();
}

const CodeObject *CodeRegistry::find(std::uint64_t pc) const noexcept {
  if (!code_.contains(pc))
    return nullptr;
  const Page *page = pages_[page_index(pc)].load(std::memory_order_acquire);
  if (page == nullptr)
    return nullptr;
  const Page::Item &item = page->items[page->index[(pc - code_.begin) % bytes_per_page / granule]];
  return item.begin <= pc && pc < item.end ? item.object : nullptr;
}

ReturnSite CodeRegistry::find_return_site(std::uint64_t pc) const noexcept {
  const CodeObject *object = find(pc - 1);
  if (object == nullptr)
    return {};
  const SiteHandle site = object->sites.look_up(object->offset_of(pc));
  return site ? ReturnSite{object, site} : ReturnSite{};
}

void CodeRegistry::collect() {
  Lock lock(mutex_);
  std::atomic_thread_fence(std::memory_order_seq_cst); // who begins to read after this sees none of them
  if (readers_.load(std::memory_order_seq_cst) == 0)
    retired_.clear();
}

std::size_t CodeRegistry::size() const {
  Lock lock(mutex_);
  return size_;
}

std::size_t CodeRegistry::retired_bytes() const {
  Lock lock(mutex_);
  std::size_t bytes = 0;
  for (const auto &page : retired_)
    bytes += page->bytes();
  return bytes;
}

std::vector<const CodeObject *> CodeRegistry::objects() const {
  Lock lock(mutex_);
  std::vector<const CodeObject *> all;
  for (std::size_t i = 0; i != llvm::divideCeil(code_.size(), bytes_per_page); ++i)
    if (const Page *page = pages_[i].load(std::memory_order_relaxed))
      for (const Page::Item &item : page->items)
        if (all.empty() || all.back() != item.object)
          all.push_back(item.object);
  return all;
}

} // namespace osr
