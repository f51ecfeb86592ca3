// Memory that core files have: of the runtime's heap they get its beginning only (runtime/threads/interposed_memory.cpp), and
// debuggers that miss one word of the list of code know none of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace osr {

/// Bytes at a place that stays, aligned for anything. Thread-safe. Where the address space is limited they are on the heap.
class DumpedBytes {
public:
  explicit DumpedBytes(std::size_t size);
  ~DumpedBytes();
  DumpedBytes(const DumpedBytes &) = delete;
  DumpedBytes &operator=(const DumpedBytes &) = delete;

  std::uint8_t *data() const { return data_; }
  std::size_t size() const { return size_; }

private:
  std::size_t size_;
  std::uint8_t *data_;
  std::unique_ptr<std::uint8_t[]> on_heap_; ///< null: they are not
};

} // namespace osr
