// Machine code for benchmarks, put together byte by byte, and what it runs in.
#pragma once

#include "runtime/code/code_patcher.h"
#include "runtime/code/entry_table.h"
#include "runtime/stack/stub_table.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace osr::bench {

using llvm::cantFail;
using Bytes = std::vector<std::uint8_t>;

/// Machine code that is put together byte by byte, for one address.
class Writer {
public:
  explicit Writer(SlabArena &arena, std::size_t size) : memory_(cantFail(arena.allocate_code(size))) {}
  std::uint64_t here() const { return memory_.address + used_; }
  void put(const Bytes &bytes) {
    std::memcpy(memory_.writable + used_, bytes.data(), bytes.size());
    used_ += bytes.size();
  }
  template <typename Integer> void put_integer(Integer value) {
    std::memcpy(memory_.writable + used_, &value, sizeof value);
    used_ += sizeof value;
  }
  /// `opcode` and a 32-bit displacement; returns where that is.
  std::uint64_t branch(const Bytes &opcode, std::uint64_t target) {
    put(opcode);
    put_integer(std::int32_t(target - here() - 4));
    return here() - 4;
  }

private:
  SlabMemory memory_;
  std::size_t used_ = 0;
};

struct World {
  std::unique_ptr<SlabArena> arena = cantFail(SlabArena::create());
  std::unique_ptr<EntryTable> entries = cantFail(EntryTable::create(*arena));
  CodePatcher patcher{*arena};
  StubTable stubs;
  std::uint64_t leaf = 0;

  World() {
    cantFail(entries->reserve(1));
    Writer code(*arena, 16);
    leaf = code.here();
    code.put({0xc3}); // ret
    entries->set_target(EntryId(0), leaf);
  }
};

inline World &world() {
  static World instance;
  return instance;
}

} // namespace osr::bench
