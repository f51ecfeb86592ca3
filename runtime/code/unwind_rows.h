// Unwind rows: how to leave a frame of our code, one row per range of PCs, decoded once at link time.
//
// A row answers, for one exact PC of a function: where is the CFA, and which callee-saved registers of the caller
// lie in the frame. The return PC is always at CFA-8 and the caller's rsp is always the CFA.
//
//        older                                     example: after push rbp; mov rbp,rsp; push rbx
//      +--------------------------+ <- CFA         base Rbp, cfa_offset 16
//      | return PC                |    CFA-8
//      | caller's rbp             |    CFA-16      saved[Rbp] = -16
//      | caller's rbx             |    CFA-24      saved[Rbx] = -24, all others 0 (still in the register)
//      +--------------------------+
//
// A PC that was read from a return-PC slot must be looked up with `pc - 1`: it points behind the call, which may be
// behind the last instruction of the function.
#pragma once

#include "osr-stubs/frame_words.h"
#include "osr-stubs/transition_script.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace osr {

/// The register a CFA is computed from: a SavedRegister, by its number, or the stack pointer.
enum class CfaBase : std::uint8_t { FramePointer = unsigned(frame_pointer), StackPointer = saved_register_count };

/// Rules for one range of PCs.
struct UnwindRow {
  CfaBase base = CfaBase::StackPointer;
  bool usable = true; ///< false: needs a DWARF expression or an odd rule; never step
  std::int32_t cfa_offset = -return_pc_cfa_offset; ///< CFA = base + cfa_offset
  std::array<std::int32_t, saved_register_count> saved{}; ///< caller's value is at CFA+saved[r]; 0 = in the register
  /// Not usable, but known: of a function that has aligned its frame. The CFA is the word at base + cfa_offset, and word_addend.
  /// As gcc does it, what is saved lies relative to where the CFA would be if nothing had been aligned, base + unaligned_cfa;
  /// in assembly relative to the CFA.
  bool through_base = false;
  bool saved_by_cfa = false;
  std::int16_t word_addend = 0;
  static constexpr std::int32_t unaligned_cfa = 16;

  /// The row of code that has pushed nothing (entry thunks, `jmp *got` stubs): CFA = rsp+8.
  static UnwindRow leaf() { return {}; }
  friend bool operator==(const UnwindRow &, const UnwindRow &) = default;
};

/// "rsp+16 rbp=[-16]", "[rbp-16]" through the base ("[rsp+64]+8 by CFA"), or "unusable".
std::string to_string(const UnwindRow &row);

/// One piece of code and the row that holds in all of it.
struct UnwindRange {
  std::uint32_t begin = 0; ///< offset from the start of the code object
  std::uint32_t size = 0;
  UnwindRow row;
};

/// Sorted table from code offset to row for one code object. Immutable once built; reading needs no lock and
/// allocates nothing.
class UnwindRows {
public:
  UnwindRows() = default;

  /// Decodes the FDEs of `.eh_frame` that describe code in [code_begin, code_begin+code_size); others are ignored.
  ///
  /// `section` holds the final (relocated) bytes, wherever they are now; `section_address` is the address they run
  /// at, to which PC-relative pointers refer. `extra` gives code that has no CFI of its own. Fails on malformed CFI,
  /// on an FDE that reaches over the end of the code and on overlapping ranges.
  static llvm::Expected<UnwindRows> from_eh_frame(llvm::ArrayRef<std::uint8_t> section, std::uint64_t section_address,
                                                  std::uint64_t code_begin, std::uint64_t code_size,
                                                  std::span<const UnwindRange> extra = {});

  /// A table of ranges given by hand. Fails on overlapping ranges.
  static llvm::Expected<UnwindRows> from_ranges(std::span<const UnwindRange> ranges);

  /// The row for the instruction at code offset `pc_offset`; nullptr where there is none. Return PCs: pass pc-1.
  /// The result may be !usable. O(log n).
  const UnwindRow *find(std::uint64_t pc_offset) const;

  bool empty() const { return rows_.empty(); }
  /// Heap bytes held.
  std::size_t bytes() const;
  /// One line per range: "[0x0, 0x4) rsp+8".
  std::string dump() const;

private:
  struct Start {
    std::uint32_t offset; ///< the row holds from here to the next entry
    std::uint32_t row; ///< index into rows_, or no_row
  };
  static constexpr std::uint32_t no_row = UINT32_MAX;

  std::vector<Start> starts_;
  std::vector<UnwindRow> rows_; ///< each row once
};

} // namespace osr
