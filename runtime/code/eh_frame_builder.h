// Writes .eh_frame sections for code that was not compiled by LLVM: return stubs, thunks. The inverse of
// call_frame_info.h.
#pragma once

#include "runtime/code/unwind_rows.h"

#include <cstdint>
#include <span>
#include <vector>

namespace osr {

/// How exceptions are to be handled in the code that is described.
struct ExceptionHandling {
  std::uint64_t personality = 0; ///< address of the personality function; 0: there are no handlers
  std::uint64_t lsda = 0;        ///< address of its table
};

/// One CIE and one FDE for the code at `begin`; `rows` gives its rules in order, each range beginning where the one
/// before ends, the first at 0. Rows must be usable (OSR_CHECK).
///
/// All pointers are absolute, so the bytes can be anywhere. Ends with the zero mark that __register_frame wants.
///
/// Unwinders look a frame up by its return PC minus one. Code that return PCs lead to, such as a return stub, must
/// therefore be described from one byte before its entry on, and have a `nop` there.
std::vector<std::uint8_t> build_eh_frame(std::uint64_t begin, std::span<const UnwindRange> rows,
                                         const ExceptionHandling &handling = {});

/// One piece of code of several in a section, with a CIE and an FDE of its own.
struct DescribedCode {
  std::uint64_t begin = 0;
  std::vector<UnwindRange> rows;
  ExceptionHandling handling;
};
std::vector<std::uint8_t> build_eh_frame(std::span<const DescribedCode> pieces);

/// Where the FDE of the piece with this index begins, behind its CIE.
std::uint32_t fde_offset(std::span<const std::uint8_t> eh_frame, unsigned index = 0);

/// The same with one row for all of it.
std::vector<std::uint8_t> build_eh_frame(std::uint64_t begin, std::uint32_t size, const UnwindRow &row,
                                         const ExceptionHandling &handling = {});

} // namespace osr
