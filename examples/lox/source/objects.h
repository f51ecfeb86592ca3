// Objects of the heap. All of them move; what they refer to outside of the heap (Code, Symbol, Shape) never does.
//
// The second word of an object says what code may assume about it: an instance's shape, a closure's code, a class's
// ClassInfo. All are addresses that no other object has there, so a guard is one comparison, whatever kind the object is of.
#pragma once

#include "value.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lox {

struct Code;
struct Class;

/// A name in the program's text; one for each name.
struct Symbol {
  std::string text;
  std::uint32_t hash = 0;
};

enum class Kind : std::uint8_t { String, Rope, Closure, Upvalue, Class, Instance, Bound, Native, Array, Methods };

struct Object {
  /// Lowest bit 1: kind above it, `count` in the upper half. Lowest bit 0: where the collector has moved the object to.
  std::uint64_t header;

  static std::uint64_t header_of(Kind kind, std::uint32_t count) {
    return std::uint64_t(count) << 32 | std::uint64_t(kind) << 1 | 1;
  }
  Kind kind() const { return Kind((header >> 1) & 0x7f); }
  std::uint32_t count() const { return std::uint32_t(header >> 32); }
};

struct String : Object {
  static constexpr Kind kind_of = Kind::String;
  std::uint64_t length;
  char text[1];

  std::string_view view() const { return {text, length}; }
};

/// Two strings, each of which may be a rope, that are one: text is copied when somebody wants to see it. Then `left` is all of it, and
/// `right` is nil.
struct Rope : Object {
  static constexpr Kind kind_of = Kind::Rope;
  std::uint64_t length;
  Value left, right;
};

/// A variable that outlives its block: `location` is in the stack, and in the object itself when the block has ended.
struct Upvalue : Object {
  static constexpr Kind kind_of = Kind::Upvalue;
  Value *location;
  Value closed;
  Upvalue *next_open;
};

struct Closure : Object {
  static constexpr Kind kind_of = Kind::Closure;
  Code *code;
  Upvalue *upvalues[1]; // count()
};

struct Array : Object {
  static constexpr Kind kind_of = Kind::Array;
  Value values[1]; // count()
};

/// A hash table of a class's own and inherited methods. Does not change once the class's declaration has ended.
struct Methods : Object {
  static constexpr Kind kind_of = Kind::Methods;
  struct Entry {
    const Symbol *name;
    Value closure;
  };
  Entry entries[1]; // count(), a power of two
};

/// Which fields instances have, in the order in which they were added. Each class has its own tree of shapes, so a shape
/// says the class too.
struct Shape {
  Shape *parent = nullptr;
  const Symbol *name = nullptr; ///< of the last field
  std::uint32_t fields = 0;
  std::uint32_t capacity = 0; ///< fields that lie in the instance; others in its `overflow`
  std::vector<std::pair<const Symbol *, Shape *>> transitions;

  /// Index of a field, or -1.
  int find(const Symbol *field) const {
    for (const Shape *shape = this; shape->parent; shape = shape->parent)
      if (shape->name == field)
        return int(shape->fields) - 1;
    return -1;
  }
  /// The shape with one field more.
  Shape *with(const Symbol *field);
};

/// What stays of a class wherever the object moves to.
struct ClassInfo {
  const Symbol *name = nullptr;
  Shape *root = nullptr; ///< of instances to come
  std::uint32_t wanted = 0; ///< fields that an instance had
};

struct Class : Object {
  static constexpr Kind kind_of = Kind::Class;
  ClassInfo *info;
  Methods *methods; // may be null
  Value initializer; // closure or nil
};

struct Instance : Object {
  static constexpr Kind kind_of = Kind::Instance;
  Shape *shape;
  Class *type;
  Array *overflow; // may be null
  Value slots[1]; // count(): shape->capacity; the first shape->fields are in use
};

struct Bound : Object {
  static constexpr Kind kind_of = Kind::Bound;
  Closure *method;
  Value receiver;
};

using NativeFunction = Value (*)(int arguments, Value *values);
struct Native : Object {
  static constexpr Kind kind_of = Kind::Native;
  NativeFunction function;
};

/// Size in bytes of an object with `count` elements.
constexpr std::size_t size_of(Kind kind, std::uint64_t count) {
  std::size_t bytes = 0;
  switch (kind) {
  case Kind::String: bytes = offsetof(String, text) + count; break;
  case Kind::Rope: bytes = sizeof(Rope); break;
  case Kind::Closure: bytes = offsetof(Closure, upvalues) + count * sizeof(Upvalue *); break;
  case Kind::Upvalue: bytes = sizeof(Upvalue); break;
  case Kind::Class: bytes = sizeof(Class); break;
  case Kind::Instance: bytes = offsetof(Instance, slots) + count * sizeof(Value); break;
  case Kind::Bound: bytes = sizeof(Bound); break;
  case Kind::Native: bytes = sizeof(Native); break;
  case Kind::Array: bytes = offsetof(Array, values) + count * sizeof(Value); break;
  case Kind::Methods: bytes = offsetof(Methods, entries) + count * sizeof(Methods::Entry); break;
  }
  return (bytes + 7) & ~std::size_t(7);
}

inline bool is(Value value, Kind kind) { return value.is_object() && value.as_object()->kind() == kind; }
template <class T> T *as(Value value) { return static_cast<T *>(value.as_object()); }

/// The entry of a method, or null.
Methods::Entry *find(Methods *methods, const Symbol *name);

} // namespace lox
