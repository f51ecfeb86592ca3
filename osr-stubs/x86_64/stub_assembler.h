// Machine code at a fixed address that knows where its CFA is: what every kind of stub begins and ends with.
#pragma once

#include "osr-stubs/emitter.h"

#include <asmjit/x86.h>

#include <cstdint>

namespace osr {

/// Writes one stub. Errors of asmjit are bugs of ours and stop the process.
class StubAssembler {
public:
  /// Writes the nop before the entry.
  StubAssembler(const TransitionScript &script, std::uint64_t load_address);
  StubAssembler(const StubAssembler &) = delete;

  asmjit::x86::Assembler &assembler() { return assembler_; }
  std::uint32_t offset() const { return std::uint32_t(assembler_.offset()); }

  /// Where rsp is at this point of the code: rsp = CFA + sp().
  std::int32_t sp() const { return sp_; }
  /// Moves rsp, and adds the row that says so. Changes flags.
  void set_sp(std::int32_t sp);
  /// From here on the caller's value of this register is at CFA + place, or for 0 in the register.
  void set_saved(SavedRegister reg, std::int32_t place);
  /// Memory at CFA + offset, without a size.
  asmjit::x86::Mem frame(std::int32_t offset) const;
  /// Through `scratch` when the target is more than 2 GiB away.
  void jump(std::uint64_t target, const asmjit::x86::Gp &scratch);

  /// The code and the rows. The assembler is used up.
  EmittedStub take();

private:
  /// A row from here on, like the last one.
  StubRow &add_row();

  struct StopOnError : asmjit::ErrorHandler {
    void handleError(asmjit::Error error, const char *message, asmjit::BaseEmitter *emitter) override;
  };

  std::uint64_t load_address_;
  std::int32_t sp_;
  StopOnError stop_on_error_;
  asmjit::CodeHolder code_;
  asmjit::x86::Assembler assembler_;
  EmittedStub stub_;
};

} // namespace osr
