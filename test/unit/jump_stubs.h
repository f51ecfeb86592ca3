// The simplest return stubs there are: code that jumps on to the pc it stands for.
#pragma once

#include "compiler/base/check.h"

#include <cstdint>
#include <cstring>
#include <sys/mman.h>

namespace osr::test {

/// One page of stubs: written first, then sealed and executable, never both. The frame's registers and stack are
/// untouched in all of a stub, so the unwind row of the site holds from one byte before the entry to the end.
class JumpStubs {
public:
  static constexpr std::size_t stub_size = 14;

  JumpStubs()
      : page_(static_cast<std::uint8_t *>(
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  ~JumpStubs() { munmap(page_, size); }
  JumpStubs(const JumpStubs &) = delete;
  JumpStubs &operator=(const JumpStubs &) = delete;

  /// nop; movabs r11, target; jmp r11. The result is the entry, which is behind the nop.
  std::uintptr_t add(std::uintptr_t target) {
    std::uint8_t code[stub_size] = {0x90, 0x49, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x41, 0xff, 0xe3};
    std::memcpy(code + 3, &target, sizeof target);
    OSR_CHECK(used_ + stub_size <= size, "{} bytes of stubs: the page is full", used_);
    std::memcpy(page_ + used_, code, stub_size);
    used_ += stub_size;
    return std::uintptr_t(page_) + used_ - stub_size + 1;
  }
  void seal() { OSR_CHECK(mprotect(page_, size, PROT_READ | PROT_EXEC) == 0, "page {}", static_cast<void *>(page_)); }

private:
  static constexpr std::size_t size = 4096;
  std::uint8_t *page_;
  std::size_t used_ = 0;
};

} // namespace osr::test
