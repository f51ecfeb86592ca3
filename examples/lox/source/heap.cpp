#include "heap.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace lox {
namespace {

constexpr std::size_t reserved_bytes = std::size_t(64) << 30; // of addresses
constexpr std::size_t least_bytes = std::size_t(2) << 20; // between two collections
constexpr std::size_t page = 4096;

/// Copies what is reachable into a new space, breadth first: objects between `scanned` and `next` still refer to old ones.
class Copier final : public Heap::Mover {
public:
  Copier(std::byte *from, std::byte *from_end, std::byte *to)
      : from_(from), from_end_(from_end), scanned_(to), next_(to) {}

  void move(Value &value) override {
    if (value.is_object())
      value = Value::object(copy(value.as_object()));
  }

  std::byte *finish() {
    while (scanned_ != next_) {
      auto *object = reinterpret_cast<Object *>(scanned_);
      scan(object);
      scanned_ += size(object);
    }
    return next_;
  }

private:
  static std::size_t size(const Object *object) {
    const bool is_string = object->kind() == Kind::String;
    return size_of(object->kind(), is_string ? static_cast<const String *>(object)->length : object->count());
  }

  Object *copy(Object *object) {
    if (!(object->header & 1))
      return reinterpret_cast<Object *>(object->header);
    if (auto *rope = static_cast<Rope *>(object); object->kind() == Kind::Rope && rope->right.is_nil()) {
      Object *text = copy(rope->left.as_object()); // nobody needs the rope any more
      object->header = reinterpret_cast<std::uintptr_t>(text);
      return text;
    }
    const std::size_t bytes = size(object);
    auto *moved = reinterpret_cast<Object *>(next_);
    next_ += bytes;
    std::memcpy(static_cast<void *>(moved), object, bytes);
    object->header = reinterpret_cast<std::uintptr_t>(moved);
    return moved;
  }

  void move_all(Value *values, std::size_t count) {
    for (std::size_t i = 0; i != count; ++i)
      move(values[i]);
  }

  void scan(Object *object) {
    switch (object->kind()) {
    case Kind::String:
    case Kind::Native: break;
    case Kind::Rope:
      move(static_cast<Rope *>(object)->left);
      move(static_cast<Rope *>(object)->right);
      break;
    case Kind::Closure:
      for (std::uint32_t i = 0; i != object->count(); ++i)
        move_pointer(static_cast<Closure *>(object)->upvalues[i]);
      break;
    case Kind::Upvalue: scan_upvalue(static_cast<Upvalue *>(object)); break;
    case Kind::Class:
      move_pointer(static_cast<Class *>(object)->methods);
      move(static_cast<Class *>(object)->initializer);
      break;
    case Kind::Instance: {
      auto *instance = static_cast<Instance *>(object);
      move_pointer(instance->type);
      move_pointer(instance->overflow);
      move_all(instance->slots, std::min(instance->shape->fields, instance->shape->capacity));
      break;
    }
    case Kind::Bound:
      move_pointer(static_cast<Bound *>(object)->method);
      move(static_cast<Bound *>(object)->receiver);
      break;
    case Kind::Array: move_all(static_cast<Array *>(object)->values, object->count()); break;
    case Kind::Methods:
      for (std::uint32_t i = 0; i != object->count(); ++i)
        move(static_cast<Methods *>(object)->entries[i].closure);
      break;
    }
  }

  void scan_upvalue(Upvalue *upvalue) {
    // A closed one holds its value itself, wherever it lies; an open one's is in the stack.
    auto *location = reinterpret_cast<std::byte *>(upvalue->location);
    if (location >= from_ && location < from_end_)
      upvalue->location = &upvalue->closed;
    move(upvalue->closed);
    move_pointer(upvalue->next_open);
  }

  std::byte *from_, *from_end_, *scanned_, *next_;
};

} // namespace

Heap::Heap(Stress stress, Roots roots) : stress_(stress), roots_(std::move(roots)) {
  void *addresses = mmap(nullptr, reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (addresses == MAP_FAILED) {
    std::fprintf(stderr, "lox: no address space for the heap\n");
    std::exit(71);
  }
  reserved_ = static_cast<std::byte *>(addresses);
  space_ = take(is_stressed() ? page : least_bytes);
  next_ = space_.start;
  limit_ = is_stressed() ? next_ : space_.start + space_.size;
}

Heap::~Heap() { munmap(reserved_, reserved_bytes); }

Heap::Space Heap::take(std::size_t size) {
  if (spare_.size >= size)
    return std::exchange(spare_, {});
  // Of few sizes, so that the other space serves again.
  size = is_stressed() ? (size + page - 1) / page * page : std::bit_ceil(size);
  if (size > reserved_bytes / 4) {
    std::fprintf(stderr, "lox: out of memory\n");
    std::exit(70);
  }
  if (taken_ + size > reserved_bytes)
    taken_ = 0; // what lay there has been given back long ago
  Space space{reserved_ + taken_, size};
  taken_ += size;
  if (mprotect(space.start, size, PROT_READ | PROT_WRITE) != 0) {
    std::fprintf(stderr, "lox: out of memory\n");
    std::exit(70);
  }
  return space;
}

/// Under stress nobody can read the old space from here on: a reference that was not updated shows itself at once.
void Heap::give_back(Space space) {
  if (!is_stressed() && space.size > spare_.size)
    std::swap(space, spare_);
  if (!space.size)
    return;
  madvise(space.start, space.size, MADV_DONTNEED);
  mprotect(space.start, space.size, PROT_NONE);
}

void Heap::make_room(std::size_t size) {
  ++collections_;
  const std::size_t used = std::size_t(next_ - space_.start);
  const Space to = take(is_stressed() ? used + size : 4 * used + size + least_bytes);
  Copier copier(space_.start, space_.start + space_.size, to.start);
  roots_(copier);
  next_ = copier.finish();
  const std::size_t live = std::size_t(next_ - to.start);
  limit_ = is_stressed() ? next_ + size : to.start + std::min(to.size, 4 * live + size + least_bytes);
  give_back(std::exchange(space_, to));
}

} // namespace lox
