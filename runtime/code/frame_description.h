// One entry of .eh_frame: which code it describes, and where its instructions and its exception table are. Bounds-checked
// and allocation-free, as call_frame_info.h.
#pragma once

#include "compiler/base/error.h"
#include "runtime/code/dwarf_reader.h"
#include "runtime/machine/dwarf_numbers.h"

#include <span>

namespace osr {

inline constexpr std::uint8_t DW_EH_PE_omit = 0xff, DW_EH_PE_indirect = 0x80;

/// One FDE with what it needs of its CIE.
struct FrameDescription {
  std::uint64_t begin = 0, end = 0; ///< the PCs it describes
  bool signal_frame = false; ///< augmentation 'S': the frame above is at an exact PC (signal trampoline)
  std::uint64_t code_align = 1;
  std::int64_t data_align = 1;
  std::uint8_t encoding = 0, lsda_encoding = DW_EH_PE_omit;
  std::uint64_t personality = 0; ///< the function that is asked about exceptions, or where its address stands; 0: none
  bool personality_is_indirect = false;
  std::uint64_t lsda = 0; ///< address of the table for it; 0: none
  DwarfReader cie_program, fde_program;

  /// Reads the FDE at `offset` of `section`, whose first byte is at `section_address` at run time. Never reads
  /// outside `section`; false if it is malformed.
  bool parse(std::span<const std::uint8_t> section, std::uint64_t section_address, std::uint64_t offset) {
    DwarfReader fde;
    if (!open(section, section_address, offset, fde))
      return false;
    const std::uint64_t id_offset = offset + 4;
    const auto id = fde.read<std::uint32_t>();
    if (fde.failed() || id == 0 || id > id_offset)
      return false;
    bool sized = false; // augmentation data has a length ("z")
    if (!parse_cie(section, section_address, id_offset - id, sized))
      return false;
    begin = fde.pointer(encoding);
    end = begin + fde.number(encoding & 0x0f);
    if (sized) {
      DwarfReader data = fde.take(fde.uleb());
      if (lsda_encoding != DW_EH_PE_omit)
        lsda = data.pointer_or_null(lsda_encoding);
      if (data.failed())
        return false;
    }
    fde_program = fde;
    return !fde.failed() && end >= begin;
  }

  /// Where the personality function is. The section must be where it is used.
  std::uint64_t personality_function() const {
    return personality && personality_is_indirect ? *reinterpret_cast<const std::uint64_t *>(personality) : personality;
  }

private:
  static bool open(std::span<const std::uint8_t> section, std::uint64_t address, std::uint64_t offset,
                   DwarfReader &entry) {
    if (offset > section.size())
      return false;
    DwarfReader at(section.subspan(offset), address + offset);
    entry = at.take(at.read<std::uint32_t>()); // the 64-bit form (length 0xffffffff) does not fit any section: fails
    return !at.failed();
  }

  bool parse_cie(std::span<const std::uint8_t> section, std::uint64_t address, std::uint64_t offset, bool &sized) {
    DwarfReader cie;
    if (!open(section, address, offset, cie) || cie.read<std::uint32_t>() != 0)
      return false;
    const auto version = cie.read<std::uint8_t>();
    if (version != 1 && version != 3)
      return false;
    char augmentation[8] = {};
    for (unsigned i = 0; (augmentation[i] = char(cie.read<std::uint8_t>())); ++i)
      if (i == 6)
        return false;
    code_align = cie.uleb();
    data_align = cie.sleb();
    const std::uint64_t return_register = version == 1 ? cie.read<std::uint8_t>() : cie.uleb();
    sized = augmentation[0] == 'z';
    if (!sized && augmentation[0] != 0)
      return false;
    if (sized) {
      DwarfReader data = cie.take(cie.uleb());
      parse_augmentation(augmentation + 1, data);
      if (data.failed())
        return false;
    }
    cie_program = cie;
    return !cie.failed() && return_register == dwarf_return_address;
  }

  void parse_augmentation(const char *letters, DwarfReader &data) {
    for (; *letters; ++letters) {
      switch (*letters) {
      case 'R': encoding = data.read<std::uint8_t>(); break;
      case 'P': {
        const auto form = data.read<std::uint8_t>();
        personality = data.pointer_or_null(form);
        personality_is_indirect = form & DW_EH_PE_indirect;
        break;
      }
      case 'L': lsda_encoding = data.read<std::uint8_t>(); break;
      case 'S': signal_frame = true; break;
      default: data.fail(); break; // unknown letters may change the meaning of all that follows
      }
    }
  }
};

/// The error for what for_each_fde calls malformed.
inline llvm::Error malformed_entry(std::uint64_t offset) {
  return make_error(".eh_frame entry at offset {:#x} is malformed or reaches over the end of the section", offset);
}

/// Calls `visit(offset, const FrameDescription &)` for each FDE of a section until one returns false. `malformed(offset)`
/// is called, and the result is false, if the section is not what it should be.
template <typename Visit, typename Malformed>
bool for_each_fde(std::span<const std::uint8_t> section, std::uint64_t section_address, Visit visit,
                  Malformed malformed) {
  for (std::uint64_t offset = 0; offset + 4 <= section.size();) {
    DwarfReader head(section.subspan(offset), section_address + offset);
    const std::uint64_t length = head.read<std::uint32_t>();
    if (length == 0)
      break; // the end mark
    const auto id = head.read<std::uint32_t>();
    FrameDescription fde;
    if (head.failed() || length < 4 || length > section.size() - offset - 4 ||
        (id != 0 && !fde.parse(section, section_address, offset))) {
      malformed(offset);
      return false;
    }
    if (id != 0 && !visit(offset, fde))
      return false;
    offset += 4 + length;
  }
  return true;
}

} // namespace osr
