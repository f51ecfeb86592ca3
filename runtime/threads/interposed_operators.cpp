// The operators new and delete of a process in which a program may have its own (program_operators.h). Linked into
// executables that want this; they have to export their symbols.
#include "runtime/threads/own_heap.h"
#include "runtime/threads/program_operators.h"

#include <cstdlib>
#include <new>

using osr::Operator, std::align_val_t, std::nothrow_t, std::size_t;

namespace {

[[maybe_unused]] const bool is_set = (osr::set_operators_can_be_replaced(), true);

/// Null: it has none, or the calling thread does not work for it.
template <typename Function> Function *programs(Operator which) {
  return osr::runs_program ? reinterpret_cast<Function *>(osr::program_operator(which)) : nullptr;
}

void *take(size_t size, size_t alignment) noexcept {
  size = size ? size : 1;
  return alignment ? std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : std::malloc(size);
}

void *allocate(size_t size, size_t alignment = 0) {
  for (;;) {
    if (void *block = take(size, alignment))
      return block;
    if (const std::new_handler handler = std::get_new_handler())
      handler();
    else
      throw std::bad_alloc();
  }
}

template <typename Allocate> void *or_null(Allocate allocate) noexcept {
  try {
    return allocate();
  } catch (...) {
    return nullptr;
  }
}

/// `rest`: what the operator gets besides the block. `usual`: what the C++ library's does.
template <typename Usual, typename... Rest>
void release(Operator which, void *block, Usual usual, Rest... rest) noexcept {
  if (osr::is_in_own_heap(block)) {
    std::free(block);
  } else if (auto *own = reinterpret_cast<void (*)(void *, Rest...)>(osr::program_operator(which));
             own && (block || osr::runs_program)) {
    own(block, rest...);
  } else {
    usual();
  }
}

} // namespace

void *operator new(size_t size) {
  if (auto *own = programs<void *(size_t)>(Operator::New))
    return own(size);
  return allocate(size);
}
void *operator new[](size_t size) {
  if (auto *own = programs<void *(size_t)>(Operator::NewArray))
    return own(size);
  return ::operator new(size);
}
void *operator new(size_t size, const nothrow_t &nothrow) noexcept {
  if (auto *own = programs<void *(size_t, const nothrow_t &)>(Operator::NewOrNull))
    return own(size, nothrow);
  return or_null([=] { return ::operator new(size); });
}
void *operator new[](size_t size, const nothrow_t &nothrow) noexcept {
  if (auto *own = programs<void *(size_t, const nothrow_t &)>(Operator::NewArrayOrNull))
    return own(size, nothrow);
  return or_null([=] { return ::operator new[](size); });
}
void *operator new(size_t size, align_val_t align) {
  if (auto *own = programs<void *(size_t, align_val_t)>(Operator::AlignedNew))
    return own(size, align);
  return allocate(size, size_t(align));
}
void *operator new[](size_t size, align_val_t align) {
  if (auto *own = programs<void *(size_t, align_val_t)>(Operator::AlignedNewArray))
    return own(size, align);
  return ::operator new(size, align);
}
void *operator new(size_t size, align_val_t align, const nothrow_t &nothrow) noexcept {
  if (auto *own = programs<void *(size_t, align_val_t, const nothrow_t &)>(Operator::AlignedNewOrNull))
    return own(size, align, nothrow);
  return or_null([=] { return ::operator new(size, align); });
}
void *operator new[](size_t size, align_val_t align, const nothrow_t &nothrow) noexcept {
  if (auto *own = programs<void *(size_t, align_val_t, const nothrow_t &)>(Operator::AlignedNewArrayOrNull))
    return own(size, align, nothrow);
  return or_null([=] { return ::operator new[](size, align); });
}

void operator delete(void *block) noexcept {
  release(Operator::Delete, block, [=] { std::free(block); });
}
void operator delete[](void *block) noexcept {
  release(Operator::DeleteArray, block, [=] { ::operator delete(block); });
}
void operator delete(void *block, size_t size) noexcept {
  release(Operator::SizedDelete, block, [=] { ::operator delete(block); }, size);
}
void operator delete[](void *block, size_t size) noexcept {
  release(Operator::SizedDeleteArray, block, [=] { ::operator delete[](block); }, size);
}
void operator delete(void *block, const nothrow_t &nothrow) noexcept {
  release(Operator::DeleteIfNull, block, [=] { ::operator delete(block); }, &nothrow);
}
void operator delete[](void *block, const nothrow_t &nothrow) noexcept {
  release(Operator::DeleteArrayIfNull, block, [=] { ::operator delete[](block); }, &nothrow);
}
void operator delete(void *block, align_val_t align) noexcept {
  release(Operator::AlignedDelete, block, [=] { std::free(block); }, align);
}
void operator delete[](void *block, align_val_t align) noexcept {
  release(Operator::AlignedDeleteArray, block, [=] { ::operator delete(block, align); }, align);
}
void operator delete(void *block, size_t size, align_val_t align) noexcept {
  release(Operator::SizedAlignedDelete, block, [=] { ::operator delete(block, align); }, size, align);
}
void operator delete[](void *block, size_t size, align_val_t align) noexcept {
  release(Operator::SizedAlignedDeleteArray, block, [=] { ::operator delete[](block, align); }, size, align);
}
void operator delete(void *block, align_val_t align, const nothrow_t &nothrow) noexcept {
  release(Operator::AlignedDeleteIfNull, block, [=] { ::operator delete(block, align); }, align, &nothrow);
}
void operator delete[](void *block, align_val_t align, const nothrow_t &nothrow) noexcept {
  release(Operator::AlignedDeleteArrayIfNull, block, [=] { ::operator delete[](block, align); }, align, &nothrow);
}
