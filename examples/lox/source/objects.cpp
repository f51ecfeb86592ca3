#include "objects.h"

namespace lox {

std::size_t size_of(Kind kind, std::uint64_t count) {
  std::size_t bytes = 0;
  switch (kind) {
  case Kind::String: bytes = offsetof(String, text) + count; break;
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

Methods::Entry *find(Methods *methods, const Symbol *name) {
  if (!methods)
    return nullptr;
  const std::uint32_t mask = methods->count() - 1;
  for (std::uint32_t i = name->hash & mask;; i = (i + 1) & mask) {
    Methods::Entry &entry = methods->entries[i];
    if (entry.name == name)
      return &entry;
    if (!entry.name)
      return nullptr;
  }
}

Shape *Shape::with(const Symbol *field) {
  for (auto &[name, shape] : transitions)
    if (name == field)
      return shape;
  auto *shape = new Shape{this, field, fields + 1, capacity, {}}; // shapes stay: code is made for them
  transitions.push_back({field, shape});
  return shape;
}

} // namespace lox
