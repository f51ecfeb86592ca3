#include "osr-stubs/emitter.h"

#include "compiler/base/check.h"
#include "osr-stubs/frame_words.h"
#include "osr-stubs/interpreter.h"
#include "osr-stubs/move_schedule.h"
#include "osr-stubs/script_check.h"
#include "osr-stubs/x86_64/stub_assembler.h"
#include "osr-stubs/x86_64/stub_prologue.h"
#include "osr-stubs/x86_64/value_code.h"

#include <algorithm>
#include <bit>

namespace osr {

namespace {

using asmjit::Imm;
using asmjit::x86::Gp;
using asmjit::x86::Mem;

namespace x86 = asmjit::x86;

constexpr auto red_zone = std::int32_t(red_zone_size);

class ScriptEmitter {
public:
  ScriptEmitter(const TransitionScript &script, std::uint64_t load_address)
      : script_(script), schedule_(schedule_moves(script, scratch_registers(script))), out_(script, load_address),
        code_(out_.assembler()) {}

  EmittedStub run();

private:
  static ScratchRegisters scratch_registers(const TransitionScript &script) {
    return {stub_registers::general_holders + (script.state_buffer_size == 0 ? 1 : 0), stub_registers::vector_holders};
  }

  asmjit::x86::Assembler &a() { return out_.assembler(); }
  void make_room();
  void hold(const Copy &copy, const Holder &holder);
  void finish(std::size_t step);
  void describe(const ScheduleStep &step);
  void finish_wide(const Copy &copy, const Holder &holder);
  void finish_constant(std::size_t step);
  void load_value(const Gp &to, const Copy &copy, const Holder &holder);
  Mem target(const Copy &copy) const;
  Mem scratch(const Holder &holder) const { return out_.frame(scratch_base_ + std::int32_t(holder.index)); }
  const Copy &copy_of(std::size_t step) const { return schedule_.copies[schedule_.steps[step].copy]; }
  bool same_constant_follows(std::size_t step) const;

  const TransitionScript &script_;
  MoveSchedule schedule_;
  StubAssembler out_;
  ValueCode code_;
  std::int32_t scratch_base_ = 0;       ///< CFA-relative
  std::size_t constant_step_ = SIZE_MAX; ///< the step whose constant is still in the value register
};

/// Lowers rsp if anything will be written below the red zone. rsp ends at final_sp, so a frame that grows gets there
/// at once; one that shrinks gets there last.
void ScriptEmitter::make_room() {
  const std::int32_t entry = out_.sp();
  std::int32_t lowest = lowest_new_offset(script_);
  if (schedule_.scratch_bytes != 0) {
    constexpr std::int32_t alignment = 8; // rows tell no smaller steps
    scratch_base_ = (std::min(entry, lowest) & -alignment) - std::int32_t(schedule_.scratch_bytes);
    lowest = scratch_base_;
  }
  std::int32_t sp = std::min(entry, script_.final_sp);
  if (lowest < sp - red_zone)
    sp = lowest;
  out_.set_sp(sp);
}

Mem ScriptEmitter::target(const Copy &copy) const {
  return copy.target.kind == ValueTarget::Kind::StateBuffer ? x86::ptr(stub_registers::buffer, copy.target.offset)
                                                            : out_.frame(copy.target.offset);
}

/// The value of a copy of at most 8 bytes, with its recipe applied.
void ScriptEmitter::load_value(const Gp &to, const Copy &copy, const Holder &holder) {
  switch (holder.kind) {
  case Holder::Kind::None: break;
  case Holder::Kind::General: code_.load(to, stub_registers::general_holder(holder.index), 8); return;
  case Holder::Kind::Vector: code_.general_from_vector(to, stub_registers::first_vector_holder + holder.index); return;
  case Holder::Kind::Memory: code_.load(to, scratch(holder), 8); return;
  }
  switch (copy.from) {
  case ValueSource::Kind::Register:
    code_.load_with_recipe(to, stub_registers::saved(copy.source_reg), copy.size, copy.recipe);
    return;
  case ValueSource::Kind::Frame:
    code_.load_with_recipe(to, out_.frame(copy.source_offset), copy.size, copy.recipe);
    return;
  case ValueSource::Kind::Constant: code_.load_constant(to, copy.constant); return;
  case ValueSource::Kind::FrameAddress:
    a().lea(to, out_.frame(copy.source_offset));
    code_.load_with_recipe(to, to, copy.size, copy.recipe);
    return;
  }
}

void ScriptEmitter::hold(const Copy &copy, const Holder &holder) {
  const bool in_vector = holder.kind == Holder::Kind::Vector;
  if (copy.size > 8) {
    const std::uint32_t reg =
        in_vector ? stub_registers::first_vector_holder + holder.index : stub_registers::vector_value;
    code_.load_vector(reg, out_.frame(copy.source_offset), copy.size);
    if (!in_vector)
      code_.store_vector(scratch(holder), reg, copy.size);
    return;
  }
  if (holder.kind == Holder::Kind::General) {
    load_value(stub_registers::general_holder(holder.index), copy, {});
    return;
  }
  load_value(stub_registers::value, copy, {});
  if (in_vector)
    code_.vector_from_general(stub_registers::first_vector_holder + holder.index, stub_registers::value);
  else
    code_.store(scratch(holder), stub_registers::value, 8);
}

void ScriptEmitter::finish_wide(const Copy &copy, const Holder &holder) {
  std::uint32_t reg = stub_registers::vector_value;
  if (holder.kind == Holder::Kind::Vector)
    reg = stub_registers::first_vector_holder + holder.index;
  else
    code_.load_vector(reg, holder.kind == Holder::Kind::Memory ? scratch(holder) : out_.frame(copy.source_offset),
                      copy.size);
  code_.store_vector(target(copy), reg, copy.size);
}

bool ScriptEmitter::same_constant_follows(std::size_t step) const {
  return step + 1 < schedule_.steps.size() && copy_of(step + 1).from == ValueSource::Kind::Constant &&
         copy_of(step + 1).constant == copy_of(step).constant &&
         copy_of(step + 1).target.kind != ValueTarget::Kind::Register;
}

/// A constant to memory: as an immediate when it is used once, else through the value register.
void ScriptEmitter::finish_constant(std::size_t step) {
  const Copy &copy = copy_of(step);
  const bool loaded =
      constant_step_ + 1 == step && constant_step_ != SIZE_MAX && copy_of(constant_step_).constant == copy.constant;
  const bool whole = std::has_single_bit(copy.size);
  if (!loaded && !same_constant_follows(step) && ValueCode::has_immediate_store(copy.constant, copy.size)) {
    code_.store_constant(target(copy), copy.constant, copy.size);
    return;
  }
  if (!loaded)
    code_.load_constant(stub_registers::value, copy.constant);
  code_.store(target(copy), stub_registers::value, copy.size);
  constant_step_ = whole ? step : SIZE_MAX; // a store in pieces destroys the register
}

void ScriptEmitter::finish(std::size_t step) {
  const Copy &copy = copy_of(step);
  const Holder &holder = schedule_.steps[step].holder;
  if (copy.size > 8) {
    finish_wide(copy, holder);
    return;
  }
  if (copy.target.kind == ValueTarget::Kind::Register) {
    load_value(stub_registers::saved(copy.target.reg), copy, holder);
    return;
  }
  if (copy.from == ValueSource::Kind::Constant) {
    finish_constant(step);
    return;
  }
  const bool as_it_is = std::has_single_bit(copy.size);
  if (as_it_is && holder.kind == Holder::Kind::General) {
    code_.store(target(copy), stub_registers::general_holder(holder.index), copy.size);
  } else if (as_it_is && holder.kind == Holder::Kind::None && copy.from == ValueSource::Kind::Register &&
             copy.recipe.empty()) {
    code_.store(target(copy), stub_registers::saved(copy.source_reg), copy.size);
  } else {
    load_value(stub_registers::value, copy, holder);
    code_.store(target(copy), stub_registers::value, copy.size);
  }
}

/// A copy of the caller's is where it was until its step is complete: nothing overwrites it before.
void ScriptEmitter::describe(const ScheduleStep &step) {
  const Copy &copy = schedule_.copies[step.copy];
  if (!copy.caller)
    return;
  const bool is_held = step.kind == ScheduleStep::Kind::Hold;
  OSR_CHECK(!is_held || step.holder.kind == Holder::Kind::Memory, "a register of the caller's is held in another");
  out_.set_saved(*copy.caller, is_held ? scratch_base_ + std::int32_t(step.holder.index)
                                       : script_.caller_after[unsigned(*copy.caller)]);
}

EmittedStub ScriptEmitter::run() {
  make_room();
  StubPrologue(script_, out_.assembler()).emit();
  for (std::size_t step = 0; step < schedule_.steps.size(); ++step) {
    if (schedule_.steps[step].kind == ScheduleStep::Kind::Hold)
      hold(copy_of(step), schedule_.steps[step].holder);
    else
      finish(step);
    describe(schedule_.steps[step]);
  }
  out_.set_sp(script_.final_sp); // where it rises, the old frame is left to signal handlers
  out_.jump(script_.target_pc, stub_registers::immediate);
  EmittedStub stub = out_.take();
  OSR_CHECK(stub.rows.back().saved == script_.caller_after, "no move takes the caller's registers to their new places");
  return stub;
}

/// Whoever emits has asked before.
void check_script(const TransitionScript &script) {
  const auto objection = objection_to(script);
  OSR_CHECK(!objection, "a stub for what no stub can do: {}", *objection);
}

} // namespace

EmittedStub emit_stub(const TransitionScript &script, std::uint64_t load_address) {
  check_script(script);
  return ScriptEmitter(script, load_address).run();
}

EmittedStub emit_generic_stub(const TransitionScript *script, std::uint64_t load_address) {
  check_script(*script);
  StubAssembler out(*script, load_address);
  out.assembler().lea(x86::r10, out.frame(0));
  out.set_sp(std::min(out.sp(), lowest_new_offset(*script)));
  ValueCode(out.assembler()).load_constant(x86::r11, reinterpret_cast<std::uint64_t>(script));
  const auto trampoline = reinterpret_cast<std::uint64_t>(&osr_generic_trampoline);
  out.jump(trampoline, stub_registers::value); // r11 is taken
  return out.take();
}

} // namespace osr
