// Reader of DWARF call frame information (.eh_frame): from an FDE to unwind rows.
//
// Header-only, allocation-free and bounds-checked, because two very different users share it: the linker plugin
// (rows of our code, made once) and the stack walk (rows of foreign frames, while other threads are stopped).
// Rules it cannot express as an UnwindRow (DWARF expressions but those of frames that are aligned, odd registers) give rows that are
// not usable; malformed input gives `false`.
#pragma once

#include "osr-stubs/frame_words.h"
#include "runtime/code/frame_description.h"
#include "runtime/code/unwind_rows.h"
#include "runtime/machine/dwarf_numbers.h"

#include <llvm/BinaryFormat/Dwarf.h>

#include <span>

namespace osr {

/// Runs the CFA program of one FDE and hands out its rows, oldest PC first.
class CallFrameProgram {
public:
  explicit CallFrameProgram(const FrameDescription &fde) : fde_(fde), location_(fde.begin) {}

  /// Calls `row(begin, end, const UnwindRow &)` for each range of PCs until it returns false. The result is false if
  /// the program is malformed.
  template <typename F> bool for_each_row(F &&row) {
    DwarfReader cie = fde_.cie_program;
    auto no_rows = [](std::uint64_t, std::uint64_t, const UnwindRow &) { return true; };
    if (!run(cie, no_rows) || location_ != fde_.begin)
      return false;
    initial_ = state_;
    DwarfReader program = fde_.fde_program;
    if (!run(program, row))
      return false;
    if (!stopped_ && location_ < fde_.end)
      row(location_, fde_.end, to_row());
    return true;
  }

  /// Whether the last row that was handed out is of a function that does not return, but goes on where an exception lands: gcc's
  /// __builtin_eh_return. Only such a one saves the registers in which landing pads get the exception, and no others that calls may
  /// change; their words are how it sets them.
  bool is_of_landing() const {
    std::uint32_t saved = 0;
    for (unsigned reg = 0; reg < return_address; ++reg)
      saved |= std::uint32_t(state_.at[reg] != 0) << reg;
    return (saved & dwarf_landing_registers) == dwarf_landing_registers && !(saved & dwarf_other_volatile_registers);
  }

  /// Whether the last row that was handed out is of a function in which a stack begins.
  bool is_outermost() const { return state_.is_outermost; }

private:
  static constexpr std::uint8_t negative_offset_extended = 0x2f; ///< of GNU; LLVM has no name for it

  struct Rules {
    std::uint64_t cfa_register = dwarf_stack_pointer;
    std::int64_t cfa_offset = 0;
    enum class Cfa : std::uint8_t { Register, WordAtRegister, Odd } cfa = Cfa::Register;
    bool is_outermost = false; ///< nothing has called this: there is no return address
    std::int64_t word_addend = 0;
    std::array<std::int64_t, dwarf_return_address + 1> at{}; ///< saved at CFA+at[r]; 0 = not saved
    std::uint32_t odd = 0; ///< bit r: register r has a rule that a row cannot express
    std::uint32_t at_base = 0; ///< bit r: register r is saved at base+at[r] instead
    std::uint64_t base = 0; ///< the register that all of these name
  };
  static constexpr unsigned stack_pointer = dwarf_stack_pointer, return_address = dwarf_return_address,
                            nesting_limit = 8;

  static int saved_index(std::uint64_t dwarf_register) {
    const auto saved = find_saved_register(dwarf_register);
    return saved ? int(*saved) : -1;
  }

  /// Products are computed without sign: malformed input may overflow, and must not be undefined behaviour.
  std::int64_t scaled(std::uint64_t factored) const { return std::int64_t(factored * std::uint64_t(fde_.data_align)); }
  void save(std::uint64_t reg, std::uint64_t factored) { set(reg, scaled(factored), false); }
  void set(std::uint64_t reg, std::int64_t offset, bool odd) {
    if (reg > return_address)
      return; // others are never callee-saved
    state_.at[reg] = offset;
    state_.odd = odd ? state_.odd | 1u << reg : state_.odd & ~(1u << reg);
    state_.at_base &= ~(1u << reg);
    state_.is_outermost &= reg != return_address;
  }
  void undefine(std::uint64_t reg) {
    set(reg, 0, true);
    state_.is_outermost |= reg == return_address;
  }
  void restore(std::uint64_t reg) {
    if (reg <= return_address) // no CIE says that a register is saved at a base
      set(reg, initial_.at[reg], (initial_.odd | initial_.at_base) >> reg & 1);
  }
  void save_at_base(std::uint64_t reg, std::uint64_t base, std::int64_t offset) {
    const bool is_one_base = state_.at_base == 0 || state_.base == base;
    set(reg, offset, !is_one_base);
    if (reg > return_address || !is_one_base)
      return;
    state_.at_base |= 1u << reg;
    state_.base = base;
  }

  /// Whether the register's rule is of the kind that the row's other rules are.
  bool fits_row(unsigned reg) const {
    const bool is_at_base = state_.at_base >> reg & 1, is_saved = is_at_base || state_.at[reg] != 0;
    const bool is_known = !is_saved || is_at_base == (state_.at_base != 0);
    return is_known && !(state_.odd >> reg & 1) && (!is_at_base || state_.base == state_.cfa_register);
  }

  UnwindRow to_row() const {
    UnwindRow row;
    const int base = saved_index(state_.cfa_register);
    const auto fits = [](std::int64_t v) { return v == std::int32_t(v); };
    row.usable = state_.cfa != Rules::Cfa::Odd && (base >= 0 || state_.cfa_register == stack_pointer) &&
                 fits(state_.cfa_offset) && state_.word_addend == std::int16_t(state_.word_addend) &&
                 state_.at[return_address] == return_pc_cfa_offset &&
                 !((state_.odd | state_.at_base) & (1u << return_address | 1u << stack_pointer)) &&
                 state_.at[stack_pointer] == 0;
    row.base = base >= 0 ? CfaBase(base) : CfaBase::StackPointer;
    row.cfa_offset = std::int32_t(state_.cfa_offset);
    for (unsigned reg = 0; reg < return_address; ++reg) {
      const int index = saved_index(reg);
      if (index < 0)
        continue;
      const bool is_at_base = state_.at_base >> reg & 1;
      const std::int64_t at = state_.at[reg] - (is_at_base ? UnwindRow::unaligned_cfa : 0);
      row.usable &= fits_row(reg) && fits(state_.at[reg]) && fits(at);
      row.saved[index] = std::int32_t(at);
    }
    const bool is_known = row.usable && (state_.at_base == 0 || state_.cfa == Rules::Cfa::WordAtRegister);
    if (!is_known) // all unusable rows are equal, so a table keeps one
      row = UnwindRow::leaf();
    row.usable = is_known && state_.cfa == Rules::Cfa::Register;
    row.through_base = is_known && state_.cfa == Rules::Cfa::WordAtRegister;
    row.saved_by_cfa = row.through_base && state_.at_base == 0;
    row.word_addend = std::int16_t(is_known ? state_.word_addend : 0);
    return row;
  }

  template <typename F> bool advance(std::uint64_t to, F &row) {
    if (to < location_ || to > fde_.end)
      return false;
    if (to > location_ && !row(location_, to, to_row()))
      stopped_ = true;
    location_ = to;
    return true;
  }

  template <typename F> bool run(DwarfReader &in, F &row) {
    while (!in.at_end() && !stopped_)
      if (!step(in, row))
        return false;
    return !in.failed();
  }

  template <typename F> bool step(DwarfReader &in, F &row) {
    using namespace llvm::dwarf;
    const auto op = in.read<std::uint8_t>();
    const std::uint8_t low = op & 0x3f;
    switch (op & 0xc0) {
    case DW_CFA_advance_loc: return advance(location_ + low * fde_.code_align, row);
    case DW_CFA_offset: save(low, in.uleb()); return true;
    case DW_CFA_restore: restore(low); return true;
    default: break;
    }
    switch (op) {
    case DW_CFA_set_loc: return advance(in.pointer(fde_.encoding), row);
    case DW_CFA_advance_loc1: return advance(location_ + in.read<std::uint8_t>() * fde_.code_align, row);
    case DW_CFA_advance_loc2: return advance(location_ + in.read<std::uint16_t>() * fde_.code_align, row);
    case DW_CFA_advance_loc4: return advance(location_ + in.read<std::uint32_t>() * fde_.code_align, row);
    default: return define(op, in);
    }
  }

  /// The instructions that change rules.
  bool define(std::uint8_t op, DwarfReader &in) {
    using namespace llvm::dwarf;
    switch (op) {
    case DW_CFA_nop: return true;
    case DW_CFA_remember_state: return remember();
    case DW_CFA_restore_state: return recall();
    case DW_CFA_def_cfa_offset: state_.cfa_offset = std::int64_t(in.uleb()); return true;
    case DW_CFA_def_cfa_offset_sf: state_.cfa_offset = scaled(std::uint64_t(in.sleb())); return true;
    case DW_CFA_def_cfa_expression: define_cfa_by(take_expression(in)); return true;
    case DW_CFA_GNU_args_size: in.uleb(); return true;
    default: return define_of_register(op, in);
    }
  }

  /// Those that begin with a register.
  bool define_of_register(std::uint8_t op, DwarfReader &in) {
    using namespace llvm::dwarf;
    const std::uint64_t reg = in.uleb();
    switch (op) {
    case DW_CFA_offset_extended: save(reg, in.uleb()); return true;
    case DW_CFA_offset_extended_sf: save(reg, std::uint64_t(in.sleb())); return true;
    case negative_offset_extended: save(reg, 0 - in.uleb()); return true;
    case DW_CFA_restore_extended: restore(reg); return true;
    case DW_CFA_same_value: set(reg, 0, false); return true;
    case DW_CFA_undefined: undefine(reg); return true;
    case DW_CFA_register:
    case DW_CFA_val_offset:
      in.uleb();
      set(reg, 0, true);
      return true;
    case DW_CFA_val_offset_sf:
      in.sleb();
      set(reg, 0, true);
      return true;
    case DW_CFA_expression:
      if (const RegisterTerm place = take_expression(in); place.is_one && !place.is_loaded)
        save_at_base(reg, place.base, place.offset);
      else
        set(reg, 0, true);
      return true;
    case DW_CFA_val_expression:
      take_expression(in);
      set(reg, 0, true);
      return true;
    case DW_CFA_def_cfa: define_cfa(reg, std::int64_t(in.uleb())); return true;
    case DW_CFA_def_cfa_sf: define_cfa(reg, scaled(std::uint64_t(in.sleb()))); return true;
    case DW_CFA_def_cfa_register: define_cfa(reg, state_.cfa_offset); return true;
    default: return false;
    }
  }

  /// A register plus an offset, or the word there plus another: all that compilers and assembly say of frames that they align.
  struct RegisterTerm {
    bool is_one = false, is_loaded = false;
    std::uint64_t base = 0;
    std::int64_t offset = 0, addend = 0;
  };

  static RegisterTerm take_expression(DwarfReader &in) {
    using namespace llvm::dwarf;
    DwarfReader expression = in.take(in.uleb());
    const auto op = expression.read<std::uint8_t>();
    if (op < DW_OP_breg0 || op > DW_OP_breg31)
      return {};
    RegisterTerm term{true, false, std::uint64_t(op) - DW_OP_breg0, expression.sleb()};
    if (!expression.at_end()) {
      term.is_one = expression.read<std::uint8_t>() == DW_OP_deref;
      term.is_loaded = true;
    }
    if (!expression.at_end()) {
      term.is_one &= expression.read<std::uint8_t>() == DW_OP_plus_uconst;
      term.addend = std::int64_t(expression.uleb());
      term.is_one &= expression.at_end();
    }
    term.is_one &= !expression.failed();
    return term;
  }

  void define_cfa(std::uint64_t reg, std::int64_t offset) {
    state_.cfa_register = reg;
    state_.cfa_offset = offset;
    state_.word_addend = 0;
    state_.cfa = Rules::Cfa::Register;
  }
  void define_cfa_by(const RegisterTerm &term) {
    define_cfa(term.base, term.offset);
    if (term.is_loaded || !term.is_one)
      state_.cfa = term.is_one ? Rules::Cfa::WordAtRegister : Rules::Cfa::Odd;
    state_.word_addend = term.addend;
  }
  bool remember() {
    if (depth_ == nesting_limit)
      return false;
    remembered_[depth_++] = state_;
    return true;
  }
  bool recall() {
    if (depth_ == 0)
      return false;
    state_ = remembered_[--depth_];
    return true;
  }

  const FrameDescription &fde_;
  std::uint64_t location_;
  Rules state_, initial_;
  std::array<Rules, nesting_limit> remembered_;
  unsigned depth_ = 0;
  bool stopped_ = false;
};

} // namespace osr
