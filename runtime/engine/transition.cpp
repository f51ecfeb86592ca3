#include "runtime/engine/transition.h"

#include "compiler/base/check.h"
#include "osr-stubs/frame_words.h"
#include "runtime/engine/refusal.h"

#include <algorithm>
#include <array>
#include <utility>

using namespace llvm;

namespace osr {
namespace {

ValueSource in_register(unsigned reg) {
  ValueSource source;
  source.kind = ValueSource::Kind::Register;
  source.reg = SavedRegister(reg);
  return source;
}

ValueSource at_offset(ValueSource::Kind kind, std::int32_t cfa_offset) {
  ValueSource source;
  source.kind = kind;
  source.cfa_offset = cfa_offset;
  return source;
}

ValueSource constant(std::uint64_t bits) {
  ValueSource source;
  source.constant = bits;
  return source;
}

/// Builds the script frame by frame, oldest first, the way calls would have built the stack.
///
/// `registers_` is what the callee-saved registers hold for the next newer frame. It begins with what the *caller* of
/// the old frame left in them; each new frame saves those that its prologue saves and sets its own frame pointer. A
/// register that no new frame saves comes out with the caller's value at the end.
class FrameBuilder {
public:
  explicit FrameBuilder(const FromFrame &from) : from_(from) {
    plan_.script.cfa_from_sp = from.cfa_from_sp;
    for (unsigned reg = 0; reg < saved_register_count; ++reg) {
      std::int32_t saved = from.row.saved[reg];
      registers_[reg] = saved ? at_offset(ValueSource::Kind::Frame, saved) : in_register(reg);
      plan_.script.caller_before[reg] = saved;
    }
  }

  /// Puts the frame of inlined frame `index` below what was built so far.
  Error add_baseline_frame(std::size_t index, const BaselineLanding &landing) {
    if (!landing.record.certified)
      return refuse(RefusalKind::NoCertificate);
    write_return_pc();
    for (unsigned reg = 0; reg < saved_register_count; ++reg)
      if (std::int32_t saved = landing.row.saved[reg]) {
        add(registers_[reg], ValueTarget::Kind::Frame, cfa_ + saved, 8);
        if (!std::exchange(is_saved_[reg], true)) // first of all by the oldest of the frames
          plan_.script.caller_after[reg] = cfa_ + saved;
      }
    OSR_CHECK(landing.record.frames.size() == 1, "a baseline record has {} frames", landing.record.frames.size());
    const FrameRecord &to = landing.record.frames[0];
    const FrameRecord &values = from_.record.frames[index];
    OSR_CHECK(values.site == to.site && values.values.size() == to.values.size(),
              "site {}.{} does not match landing {}.{} (I1)", values.site.function, values.site.index, to.site.function,
              to.site.index);
    for (std::size_t i = 0; i < values.values.size(); ++i) {
      const RecordedValue &slot = to.values[i];
      OSR_CHECK(slot.source.kind == ValueSource::Kind::Frame && slot.size == values.values[i].size,
                "value {} of site {}.{}: {} bytes recorded, slot has {} (I1)", i, to.site.function, to.site.index,
                values.values[i].size, slot.size);
      add(values.values[i].source, ValueTarget::Kind::Frame, cfa_ + slot.source.cfa_offset, slot.size);
    }
    OSR_CHECK(landing.row.base == CfaBase::FramePointer, "baseline code of function {} has no frame pointer",
              to.site.function);
    registers_[unsigned(frame_pointer)] = at_offset(ValueSource::Kind::FrameAddress, cfa_ - landing.row.cfa_offset);
    cfa_ -= landing.cfa_from_sp;
    older_return_pc_ = landing.return_pc;
    return Error::success();
  }

  /// The newest frame is the last one added; control goes on at its return PC.
  TransitionPlan finish_in_place() {
    plan_.script.final_sp = cfa_;
    plan_.script.target_pc = older_return_pc_;
    return finish();
  }

  TransitionPlan finish_continuation(const ContinuationLanding &landing) {
    write_return_pc();
    const FrameRecord &values = from_.record.frames.back();
    OSR_CHECK(values.values.size() == landing.buffer_offsets.size(), "{} values, {} places in the state buffer",
              values.values.size(), landing.buffer_offsets.size());
    for (std::size_t i = 0; i < values.values.size(); ++i)
      add(values.values[i].source, ValueTarget::Kind::StateBuffer, std::int32_t(landing.buffer_offsets[i]),
          values.values[i].size);
    TransitionScript &script = plan_.script;
    script.final_sp = cfa_ + return_pc_cfa_offset; // as directly after a call
    script.target_pc = landing.entry_pc;
    script.state_buffer_size = landing.buffer_size;
    script.result_area_offset = landing.result_area_offset;
    script.result = landing.result;
    return finish();
  }

private:
  void add(const ValueSource &source, ValueTarget::Kind kind, std::int32_t offset, std::uint32_t size) {
    Move move;
    move.source = source;
    move.target.kind = kind;
    move.target.offset = offset;
    move.size = size;
    plan_.script.moves.push_back(std::move(move));
  }

  /// The oldest new frame keeps the return PC slot of the old frame, whatever it holds by now.
  void write_return_pc() {
    if (older_return_pc_)
      add(constant(older_return_pc_), ValueTarget::Kind::Frame, cfa_ + return_pc_cfa_offset, 8);
  }

  TransitionPlan finish() {
    for (unsigned reg = 0; reg < saved_register_count; ++reg) {
      if (registers_[reg] == in_register(reg))
        continue;
      Move move;
      move.source = registers_[reg];
      move.target.kind = ValueTarget::Kind::Register;
      move.target.reg = SavedRegister(reg);
      plan_.script.moves.push_back(std::move(move));
    }
    plan_.lowest_offset = std::min(plan_.script.final_sp, -from_.cfa_from_sp);
    return std::move(plan_);
  }

  const FromFrame &from_;
  TransitionPlan plan_;
  std::array<ValueSource, saved_register_count> registers_;
  std::array<bool, saved_register_count> is_saved_{}; ///< the caller's value, by a new frame
  std::int32_t cfa_ = 0;              ///< of the frame that is built next
  std::uint64_t older_return_pc_ = 0; ///< return PC of the frame built last
};

} // namespace

Expected<TransitionPlan> plan_in_place(const FromFrame &from, std::span<const BaselineLanding> landings) {
  OSR_CHECK(landings.size() == from.record.frames.size(), "{} landings for {} frames", landings.size(),
            from.record.frames.size());
  FrameBuilder builder(from);
  for (std::size_t i = 0; i < landings.size(); ++i)
    if (Error error = builder.add_baseline_frame(i, landings[i]))
      return error;
  return builder.finish_in_place();
}

Expected<TransitionPlan> plan_continuation(const FromFrame &from, std::span<const BaselineLanding> outer,
                                           const ContinuationLanding &innermost) {
  OSR_CHECK(outer.size() + 1 == from.record.frames.size(), "{} outer landings for {} frames", outer.size(),
            from.record.frames.size());
  FrameBuilder builder(from);
  for (std::size_t i = 0; i < outer.size(); ++i)
    if (Error error = builder.add_baseline_frame(i, outer[i]))
      return error;
  return builder.finish_continuation(innermost);
}

} // namespace osr
