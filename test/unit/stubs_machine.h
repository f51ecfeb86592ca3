// A fake machine for return stubs: a stack of its own with an old frame on it, and every register set to a known
// value. Control "returns" into the stub and lands in a recorder, as if a compiled callee had returned.
#pragma once

#include "osr-stubs/emitter.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace osr::test {

/// Registers that a stub reads, keeps or writes. The layout is shared with stubs_machine.S.
struct Registers {
  std::uint64_t callee_saved[6] = {}; ///< in SavedRegister order
  std::uint64_t rax = 0;
  std::uint64_t rdx = 0;
  std::uint64_t rcx = 0;
  std::uint64_t rsp = 0;
  std::uint64_t rdi = 0;
  std::uint64_t x87_count = 0;
  std::uint8_t x87[2][16] = {}; ///< 10 bytes count
  std::uint8_t vector[4][64] = {};
};
static_assert(sizeof(Registers) == 96 + 32 + 256);

/// Memory for code, writable at one address and executable at another.
class CodeMemory {
public:
  enum class Place { NearTheProgram, FarFromTheProgram };
  explicit CodeMemory(Place place);
  ~CodeMemory();
  CodeMemory(const CodeMemory &) = delete;

  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(executable_); }
  /// Returns address().
  std::uint64_t put(const std::vector<std::uint8_t> &code);
  static constexpr std::size_t capacity = std::size_t(1) << 20;

private:
  std::uint8_t *writable_ = nullptr, *executable_ = nullptr;
};

/// The stack the fake frames live on. Offsets are CFA-relative, as in scripts.
class FakeStack {
public:
  static constexpr std::size_t bytes = std::size_t(1) << 20;
  static constexpr std::size_t above_cfa = 4096; ///< older frames

  FakeStack();
  ~FakeStack();
  FakeStack(const FakeStack &) = delete;

  std::uint64_t cfa() const { return reinterpret_cast<std::uint64_t>(memory_ + bytes - above_cfa); }
  std::uint8_t *at(std::int64_t offset) const { return memory_ + bytes - above_cfa + offset; }

private:
  std::uint8_t *memory_ = nullptr;
};

enum class Stepping : std::uint8_t {
  Off,
  On ///< a trap after every instruction from the stub's entry to the recorder; needs a handler for SIGTRAP
};

/// Puts the registers in place, returns into the code at `entry`, and comes back with the registers at the recorder.
Registers run_machine(const Registers &start, std::uint64_t entry, Stepping stepping = Stepping::Off);

/// The recorder's address: target_pc for scripts that run_machine runs.
std::uint64_t recorder();

} // namespace osr::test
