#include "osr-stubs/x86_64/stub_assembler.h"

#include "compiler/base/check.h"
#include "osr-stubs/x86_64/value_code.h"

#include <utility>

namespace osr {

namespace x86 = asmjit::x86;

void StubAssembler::StopOnError::handleError(asmjit::Error error, const char *message, asmjit::BaseEmitter *) {
  OSR_CHECK(error == asmjit::kErrorOk, "asmjit: {}", message);
}

StubAssembler::StubAssembler(const TransitionScript &script, std::uint64_t load_address)
    : load_address_(load_address), sp_(-script.cfa_from_sp) {
  code_.init(asmjit::Environment::host(), load_address);
  code_.setErrorHandler(&stop_on_error_);
  code_.attach(&assembler_);
  assembler_.nop(); // belongs to the stub: unwinders look up "return PC - 1"
  stub_.entry_offset = offset();
  stub_.rows.push_back({0, script.cfa_from_sp, script.caller_before});
}

StubRow &StubAssembler::add_row() {
  if (stub_.rows.back().offset != offset())
    stub_.rows.push_back(stub_.rows.back());
  stub_.rows.back().offset = offset();
  return stub_.rows.back();
}

void StubAssembler::set_saved(SavedRegister reg, std::int32_t place) {
  if (stub_.rows.back().saved[unsigned(reg)] != place)
    add_row().saved[unsigned(reg)] = place;
}

x86::Mem StubAssembler::frame(std::int32_t offset) const { return x86::ptr(x86::rsp, offset - sp_); }

void StubAssembler::set_sp(std::int32_t sp) {
  const std::int32_t delta = sp - sp_;
  if (delta == 0)
    return;
  // Of the two equivalent instructions, -128 fits into a byte and 128 does not.
  if (delta == 128 || (delta < 0 && delta != -128))
    assembler_.sub(x86::rsp, asmjit::Imm(-delta));
  else
    assembler_.add(x86::rsp, asmjit::Imm(delta));
  sp_ = sp;
  add_row().cfa_from_sp = -sp;
}

void StubAssembler::jump(std::uint64_t target, const x86::Gp &scratch) {
  constexpr std::uint64_t instruction_bytes = 5;
  const auto distance = std::int64_t(target - (load_address_ + offset() + instruction_bytes));
  if (distance == std::int32_t(distance)) {
    const std::uint8_t opcode = 0xe9;
    const auto displacement = std::int32_t(distance);
    assembler_.embed(&opcode, sizeof opcode);
    assembler_.embed(&displacement, sizeof displacement);
    return;
  }
  ValueCode(assembler_).load_constant(scratch, target);
  assembler_.jmp(scratch);
}

EmittedStub StubAssembler::take() {
  const asmjit::CodeBuffer &buffer = code_.textSection()->buffer();
  stub_.code.assign(buffer.data(), buffer.data() + buffer.size());
  return std::move(stub_);
}

} // namespace osr
