#include "objects.h"

namespace lox {

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
