// A heap of two spaces: objects are made in one, and the collector moves what is still reachable into the other.
//
//   start            next             limit
//     | objects ...   | free           |            next + size > limit: collect
//
// Whoever allocates has to expect that every object moves. References are in memory that the roots name: the stack of
// values, globals, constants, handles.
#pragma once

#include "objects.h"

#include <functional>

namespace lox {

class Heap {
public:
  enum class Stress : bool { Off, EachAllocation };

  /// Updates one reference.
  struct Mover {
    virtual void move(Value &value) = 0;
    template <class T> void move_pointer(T *&object) {
      if (!object)
        return;
      Value value = Value::object(object);
      move(value);
      object = as<T>(value);
    }
  };
  using Roots = std::function<void(Mover &)>;

  Heap(Stress stress, Roots roots);
  ~Heap();
  Heap(const Heap &) = delete;
  Heap &operator=(const Heap &) = delete;

  /// An object with `count` elements. Its fields are zero, but for the text of a string.
  template <class T> T *make(std::uint64_t count = 0) {
    const std::size_t size = size_of(T::kind_of, count);
    if (size > std::size_t(limit_ - next_))
      make_room(size);
    auto *object = reinterpret_cast<T *>(next_);
    next_ += size;
    if constexpr (T::kind_of != Kind::String)
      __builtin_memset(static_cast<void *>(object), 0, size);
    object->header = Object::header_of(T::kind_of, std::uint32_t(count));
    return object;
  }

  /// Compiled code makes small objects by itself. Not with a collection at each allocation.
  std::byte **next() { return &next_; }
  std::byte **limit() { return &limit_; }
  bool is_stressed() const { return stress_ == Stress::EachAllocation; }
  std::uint64_t collections() const { return collections_; }

private:
  struct Space {
    std::byte *start = nullptr;
    std::size_t size = 0;
  };

  void make_room(std::size_t size);
  Space take(std::size_t size);
  void give_back(Space space);

  Stress stress_;
  Roots roots_;
  std::byte *reserved_ = nullptr;
  std::size_t taken_ = 0; ///< of what is reserved
  Space space_, spare_;
  std::byte *next_ = nullptr, *limit_ = nullptr;
  std::uint64_t collections_ = 0;
};

} // namespace lox
