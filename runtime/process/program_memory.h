// Memory that a program's arguments point to. Where the kernel would read it, a bad pointer is an error that the program gets to
// know of; so whoever reads it before the kernel does may not die of it.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>

namespace osr {

/// Whether these bytes can be read, at this moment. Async-signal-safe, and keeps errno.
bool is_readable(const void *address, std::size_t size);

/// Whether they can be written. For a moment a word of each page is another one: whoever may look at it has to stand still.
bool is_writable(const void *address, std::size_t size);

/// A copy of what is there; none if it cannot be read.
template <typename T> std::optional<T> read_if_readable(const void *address) {
  if (!is_readable(address, sizeof(T)))
    return std::nullopt;
  T copy;
  std::memcpy(&copy, address, sizeof copy);
  return copy;
}

} // namespace osr
