#include "runtime/code/code_patcher.h"

#include "compiler/base/check.h"
#include "runtime/code/sync_cores.h"

#include <llvm/Support/Endian.h>

#include <cstring>

namespace osr {

namespace {

constexpr std::uint64_t displacement_size = 4;

} // namespace

void CodePatcher::write(std::uint64_t address, llvm::ArrayRef<std::uint8_t> bytes) const noexcept {
  OSR_CHECK(arena_->contains_code(address) && arena_->contains_code(address + bytes.size() - 1),
            "{} bytes at {:#x} are not in the code slab", bytes.size(), address);
  std::memcpy(arena_->writable(address), bytes.data(), bytes.size());
}

void CodePatcher::write_displacement(std::uint64_t address, std::uint64_t target) const noexcept {
  const auto distance = std::int64_t(target - (address + displacement_size));
  OSR_CHECK(distance == std::int32_t(distance), "a branch at {:#x} does not reach {:#x}", address, target);
  std::uint8_t bytes[displacement_size];
  llvm::support::endian::write32le(bytes, std::uint32_t(distance));
  write(address, bytes);
}

void CodePatcher::synchronize() const noexcept { sync_cores(); }

} // namespace osr
