// What a stack walk asks about code: two questions, two small interfaces. Both are asked while other threads are
// stopped at any instruction, so answers take no lock and allocate nothing.
#pragma once

#include "runtime/code/unwind_rows.h"

#include <cstdint>
#include <optional>
#include <span>

namespace osr {

struct CodeObject;

/// Code of ours, as a walk sees it.
struct CodeView {
  const CodeObject *object = nullptr; ///< handed on in Frame::code; null for code of ours that is no code object
  std::uintptr_t begin = 0;           ///< where the rows' offsets start
  const UnwindRows *rows = nullptr;   ///< null: foreign code

  explicit operator bool() const { return rows != nullptr; }
};

/// "Whose code is this?"
class CodeLookup {
public:
  /// The code with an instruction at `pc` (return PCs: the caller passes pc-1).
  virtual CodeView find_code(std::uintptr_t pc) const = 0;
  /// How a walk sees an object, wherever its bytes are.
  virtual CodeView view_of(const CodeObject &object) const = 0;
  /// Set if the object has a stack map record for this return PC: the distance from sp to the CFA there, 0 if the
  /// object does not know it.
  virtual std::optional<std::int32_t> site_cfa_from_sp(const CodeObject &object, std::uintptr_t return_pc) const = 0;

protected:
  ~CodeLookup() = default;
};

/// What a return stub stands for.
struct StubSite {
  std::uintptr_t original_pc = 0;
  /// The code that original_pc is in, kept for as long as the stub exists, although the bytes may have been freed and
  /// others stand at that address now. Null: ask CodeLookup.
  const CodeObject *code = nullptr;
};

/// The code of a stub, for walks that find it interrupted.
struct StubCode {
  std::uintptr_t begin = 0, end = 0;
  std::span<const std::uint8_t> eh_frame;
  std::uint32_t fde = 0; ///< the offset of the FDE that holds at every instruction
};

/// A stub that was interrupted. Its frame is neither the old one nor the new one, but the caller of both can be found.
struct InterruptedStub {
  std::uintptr_t entry_pc = 0;
  StubSite site;
  const StubCode *stub = nullptr;
};

/// "What stood in the slot before the stub's address did?"
class StubLookup {
public:
  /// Set if `pc` is the entry of a return stub.
  virtual std::optional<StubSite> stub_site(std::uintptr_t pc) const = 0;
  /// Set if the instruction at `pc` is a stub's. Takes time with the number of stubs, so ask for what nobody else knows.
  virtual std::optional<InterruptedStub> stub_around(std::uintptr_t pc) const = 0;
  /// The original PC if `pc` is the entry of a return stub.
  std::optional<std::uintptr_t> original_pc(std::uintptr_t pc) const {
    const std::optional<StubSite> site = stub_site(pc);
    return site ? std::optional(site->original_pc) : std::nullopt;
  }

protected:
  ~StubLookup() = default;
};

} // namespace osr
