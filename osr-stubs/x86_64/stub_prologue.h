// What a return stub does before its moves: counts, lists the transition, and brings the result into safety.
#pragma once

#include "osr-stubs/x86_64/value_code.h"

namespace osr {

class StubPrologue {
public:
  StubPrologue(const TransitionScript &script, asmjit::x86::Assembler &assembler)
      : script_(script), a_(assembler), code_(assembler) {}

  /// Uses holders, the value register and the register for wide immediates. Afterwards the state buffer's register has the buffer, if
  /// there is one.
  void emit();

private:
  void count();
  void trace();
  void push_state_buffer();
  void save_result();

  const TransitionScript &script_;
  asmjit::x86::Assembler &a_;
  ValueCode code_;
};

} // namespace osr
