#include "runtime/stack/return_point.h"

#include "compiler/base/check.h"
#include "compiler/target/return_point.h"
#include "runtime/machine/instructions.h"

#include <algorithm>
#include <cstring>

namespace osr {

namespace {

using Bytes = std::array<std::uint8_t, return_point_nop.size()>;

Bytes bytes_at(std::uintptr_t pc) {
  Bytes bytes;
  std::memcpy(bytes.data(), reinterpret_cast<const void *>(pc), bytes.size());
  return bytes;
}

} // namespace

std::uintptr_t ReturnPointTable::stub_at(std::uintptr_t return_pc) {
  const Bytes bytes = bytes_at(return_pc);
  if (bytes[0] != jump_opcode)
    return 0;
  std::int32_t distance = 0;
  std::memcpy(&distance, &bytes[1], sizeof distance);
  return return_pc + bytes.size() + std::uintptr_t(std::intptr_t(distance));
}

void ReturnPointTable::on_unload(const LinkedObject &object) {
  std::erase_if(patched_, [&](std::uintptr_t pc) OSR_REQUIRES(engine_lock) { return object.code.contains(pc); });
}

bool ReturnPointTable::patch(std::uintptr_t return_pc, std::uintptr_t stub_pc) noexcept {
  const Bytes old = bytes_at(return_pc);
  if (const std::uintptr_t known = stub_at(return_pc)) {
    if (known == stub_pc)
      return false;
    patcher_.write_displacement(return_pc + 1, stub_pc);
    ++patches_;
    return changed_ = true;
  }
  OSR_CHECK(old == return_point_nop, "the code at return PC {:#x} begins with {:#x} {:#x}, not with a nop", return_pc,
            old[0], old[1]);
  OSR_CHECK(patched_.size() < patched_.capacity(), "no memory was reserved for patch {}", patched_.size());
  const std::uint8_t opcode[] = {jump_opcode};
  patcher_.write(return_pc, opcode);
  patcher_.write_displacement(return_pc + sizeof opcode, stub_pc);
  patched_.push_back(return_pc);
  ++patches_;
  return changed_ = true;
}

void ReturnPointTable::for_each(llvm::function_ref<void(std::uintptr_t, std::uintptr_t)> visit) const {
  for (const std::uintptr_t pc : patched_)
    visit(pc, stub_at(pc));
}

void ReturnPointTable::restore_if(llvm::function_ref<bool(std::uintptr_t, std::uintptr_t)> wanted) noexcept {
  const auto kept = std::remove_if(patched_.begin(), patched_.end(), [&](std::uintptr_t pc) OSR_REQUIRES(engine_lock) {
    const std::uintptr_t stub = stub_at(pc);
    OSR_CHECK(stub != 0, "the patch at return PC {:#x} is gone", pc);
    if (!wanted(pc, stub))
      return false;
    patcher_.write(pc, return_point_nop);
    return changed_ = true;
  });
  restored_ += std::uint64_t(patched_.end() - kept);
  patched_.erase(kept, patched_.end());
}

void ReturnPointTable::finish() noexcept {
  if (changed_)
    patcher_.synchronize();
  changed_ = false;
}

} // namespace osr
