#include "osr-stubs/x86_64/stub_prologue.h"

#include "compiler/base/check.h"
#include "osr-stubs/thread_state.h"
#include "osr-stubs/x86_64/stub_offsets.h"

#include <bit>
#include <cstddef>

namespace osr {

using asmjit::Imm;
using asmjit::x86::Gp;
using asmjit::x86::Mem;

namespace x86 = asmjit::x86;

namespace {

Mem thread_local_memory(std::int64_t tls_offset) {
  OSR_CHECK(tls_offset == std::int32_t(tls_offset), "a thread-local variable of the runtime is at fs:{}", tls_offset);
  Mem place = x86::ptr_abs(std::uint64_t(tls_offset));
  place.setSegment(x86::fs);
  return place;
}

} // namespace

void StubPrologue::emit() {
  count();
  if (script_.traced)
    trace();
  if (script_.state_buffer_size != 0) {
    push_state_buffer();
    save_result();
  }
}

void StubPrologue::count() {
  std::uint64_t in_register = 0; // the address that the value register holds
  for (const std::uint64_t *counter : script_.counters) {
    if (!counter)
      continue;
    const auto address = reinterpret_cast<std::uint64_t>(counter);
    auto distance = std::int64_t(address - in_register);
    if (in_register == 0 || distance != std::int32_t(distance)) {
      code_.load_constant(stub_registers::value, address);
      in_register = address;
      distance = 0;
    }
    a_.inc(x86::qword_ptr(stub_registers::value, std::int32_t(distance)));
  }
}

/// As TransitionRing::push. The holders are free until the moves begin; rax and rdx hold results.
void StubPrologue::trace() {
  const Gp &ring = x86::r10, &other = x86::r11, &traced = stub_registers::value;
  asmjit::Label again = a_.newLabel(), full = a_.newLabel(), done = a_.newLabel();
  a_.mov(x86::r8, x86::rax);
  a_.mov(x86::r9, x86::rdx);
  code_.load_constant(ring, reinterpret_cast<std::uint64_t>(script_.traced->ring));
  a_.bind(again);
  a_.mov(other, x86::qword_ptr(ring, TransitionRing::tail_offset()));
  a_.mov(x86::rax, x86::qword_ptr(ring, TransitionRing::head_offset()));
  a_.mov(x86::rdx, x86::rax);
  a_.sub(x86::rdx, other);
  a_.cmp(x86::rdx, Imm(TransitionRing::capacity));
  a_.jae(full);
  a_.lea(other, x86::ptr(x86::rax, 1));
  a_.lock().cmpxchg(x86::qword_ptr(ring, TransitionRing::head_offset()), other);
  a_.jne(again);
  a_.and_(x86::eax, Imm(TransitionRing::capacity - 1));
  a_.shl(x86::eax, Imm(std::countr_zero(sizeof(TransitionEvent))));
  a_.lea(ring, x86::ptr(ring, x86::rax, 0, TransitionRing::events_offset()));
  a_.rdtsc();
  a_.shl(x86::rdx, Imm(32));
  a_.or_(x86::rax, x86::rdx);
  a_.mov(x86::qword_ptr(ring, offsetof(TransitionEvent, ticks)), x86::rax);
  a_.mov(x86::eax, thread_local_memory(thread_pointer_offset(&osr_thread_number)));
  a_.mov(x86::dword_ptr(ring, offsetof(TransitionEvent, thread)), x86::eax);
  code_.load_constant(traced, reinterpret_cast<std::uint64_t>(&script_.traced->cause));
  a_.mov(x86::eax, x86::dword_ptr(traced));
  a_.mov(x86::dword_ptr(ring, offsetof(TransitionEvent, cause)), x86::eax);
  a_.mov(x86::dword_ptr(ring, offsetof(TransitionEvent, number)), Imm(script_.traced->number));
  a_.mov(x86::qword_ptr(ring, offsetof(TransitionEvent, sequence)), other);
  a_.jmp(done);
  a_.bind(full);
  a_.lock().inc(x86::qword_ptr(ring, TransitionRing::dropped_offset()));
  a_.bind(done);
  a_.mov(x86::rax, x86::r8);
  a_.mov(x86::rdx, x86::r9);
}

void StubPrologue::push_state_buffer() {
  const Mem top = thread_local_memory(object_stack_tls_offset());
  a_.mov(stub_registers::buffer, top);
  a_.sub(stub_registers::buffer, Imm(script_.state_buffer_size));
  a_.mov(top, stub_registers::buffer);
}

void StubPrologue::save_result() {
  const auto area = [&](std::uint32_t offset) {
    return x86::ptr(stub_registers::buffer, std::int32_t(script_.result_area_offset + offset));
  };
  if (script_.result.general) {
    code_.store(area(OSR_RESULT_RAX), x86::rax, 8);
    code_.store(area(OSR_RESULT_RDX), x86::rdx, 8);
    code_.store(area(OSR_RESULT_RCX), x86::rcx, 8);
  }
  if (script_.result.vector_bytes != 0)
    for (std::uint32_t index = 0; index < 4; ++index)
      code_.store_vector(area(OSR_RESULT_VECTOR + index * OSR_RESULT_VECTOR_STRIDE), index,
                         script_.result.vector_bytes);
  for (std::uint32_t index = 0; index < script_.result.stacked_floats; ++index) {
    Mem place = area(index == 0 ? OSR_RESULT_ST0 : OSR_RESULT_ST1);
    place.setSize(10);
    a_.fstp(place);
  }
}

} // namespace osr
