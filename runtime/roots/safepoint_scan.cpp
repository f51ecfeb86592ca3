#include "runtime/roots/safepoint_scan.h"

#include "compiler/base/check.h"
#include "compiler/base/error.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_frames = 1024; ///< the list grows when there are more

Error cannot_leave(const Frame &frame, pid_t tid, const std::string &why) {
  return make_error(
      "no safepoint for objects that move: thread {} is in optimised code of '{}', and cannot leave it: {}", tid,
      frame.code->function_name, why);
}

} // namespace

void Safepoint::visit_roots(function_ref<void(Root)> visit) {
  SmallVector<std::ptrdiff_t, 16> offsets;
  for (const Derived &derived : derived_)
    offsets.push_back(static_cast<char *>(*derived.slot) - static_cast<char *>(*derived.base));
  for (const Place &place : roots_)
    visit({*place.slot, place.address_space});
  for (auto [derived, offset] : zip(derived_, offsets))
    *derived.slot = static_cast<char *>(*derived.base) + offset;
}

void Safepoint::visit_ranges(function_ref<void(const void *, const void *)> visit) const {
  for (const Range &range : ranges_)
    visit(reinterpret_cast<const void *>(range.low), reinterpret_cast<const void *>(range.high));
  for (const Registers &registers : registers_)
    visit(registers.begin(), registers.end());
}

/// An activation of this runtime: where it is, and what the newest one finds in registers. False: there is no room. Threads are stopped.
bool SafepointScan::note_stack(const ProgramThread &thread, const FrameCursor &cursor) {
  std::vector<Safepoint::Range> &ranges = safepoint_.ranges_;
  const std::uint64_t sp = cursor.frame().sp;
  if (!ranges.empty() && sp >= ranges.back().low && sp < ranges.back().high)
    return true;
  if (ranges.size() == ranges.capacity() || safepoint_.registers_.size() == safepoint_.registers_.capacity())
    return false;
  const StackBounds bounds =
      stack_bounds(thread, thread.has_context() ? thread.context->uc_stack : stack_t{nullptr, SS_DISABLE, 0});
  const std::uint64_t high = !bounds.on_alternate(sp) && thread.is_own_stack(sp) ? thread.stack_high : bounds.limit(sp);
  ranges.push_back(
      {alignDown(cursor.frame().newest_sp - red_zone_size, sizeof(void *)), alignDown(high, sizeof(void *))});
  Safepoint::Registers registers{};
  static_assert(std::tuple_size_v<Safepoint::Registers> >= saved_register_count);
  llvm::copy(cursor.registers().saved, registers.begin());
  safepoint_.registers_.push_back(registers);
  return true;
}

StackLook SafepointScan::list_frames_of(const ProgramThread &thread, RulesFinder &rules) {
  StackLook seen;
  seen.status = walk_stopped_with_cursor(thread, rules, [&](const FrameCursor &cursor) {
    const Frame &frame = cursor.frame();
    if (frame.code && !(seen.has_room = note_stack(thread, cursor)))
      return false;
    if (!frame.code || !frame.code->uses_references)
      return true;
    const bool is_older =
        thread.may_be_called_directly() && thread.is_own_stack(frame.sp) && frame.sp >= thread.base.cfa;
    if (is_older || thread.is_uncounted) { // nobody has said that it is in the program
      called_directly_ = thread.tid;
      return false;
    }
    if (frame.kind == PcKind::Exact) { // at no site: nobody knows where its references are
      interrupted_ = thread.tid;
      return false;
    }
    if (!frame.is_site) // the call never returns there
      return true;
    seen.has_room = found_.size() < found_.capacity();
    if (seen.has_room)
      found_.push_back({frame, thread.stack_low, thread.tid});
    return seen.has_room;
  });
  return seen;
}

Error SafepointScan::list_frames() {
  const auto reserve = [&](std::size_t frames) {
    found_.reserve(frames);
    safepoint_.ranges_.reserve(frames);
    safepoint_.registers_.reserve(frames);
  };
  reserve(usual_frames);
  const auto begin = [&] {
    found_.clear();
    safepoint_.ranges_.clear();
    safepoint_.registers_.clear();
    called_directly_ = interrupted_ = 0;
  };
  auto unwalked = look_at_stacks(
      engine_, begin, [&](const ProgramThread &thread, RulesFinder &rules) { return list_frames_of(thread, rules); },
      [&] { reserve(found_.capacity() * 4); });
  if (!unwalked)
    return unwalked.takeError();
  if (called_directly_)
    return make_error(
        "no safepoint: thread {} has called a function of the program by its address; where a collector works, "
        "calls are made by ThreadAttachment::call, or within ThreadAttachment::run, begun when the runtime is there",
        called_directly_);
  if (interrupted_)
    return make_error(
        "no safepoint: a signal has interrupted thread {} in code whose references are in no record there, and "
        "its handler is where collections are possible",
        interrupted_);
  if (*unwalked)
    return make_error("no safepoint: the stack of thread {} cannot be walked: {}", (*unwalked)->tid,
                      describe((*unwalked)->status));
  return Error::success();
}

Error SafepointScan::prepare_leaving(Found &found) {
  const Frame &frame = found.frame;
  if (frame.code->tier == Tier::Baseline)
    return Error::success();
  if (const std::uint64_t pending = engine_.redirector().stub_of(frame))
    if (!static_cast<const ReturnStub *>(engine_.stub_table().find(pending)->handle)->lands_in_old)
      return Error::success(); // whatever it is sent to takes values from where the record says
  auto stub = engine_.stubs().find_or_make(*frame.code, frame.pc, Landing::InPlace);
  if (!stub)
    return cannot_leave(frame, found.tid, toString(stub.takeError()));
  if ((*stub)->lands_in_old)
    return cannot_leave(frame, found.tid, "an exception would land there");
  if (frame.cfa + std::int64_t((*stub)->lowest_offset) < found.stack_low)
    return cannot_leave(frame, found.tid, describe(RefusalKind::NoRoom));
  found.stub_pc = (*stub)->entry_pc;
  return Error::success();
}

Error SafepointScan::leave() {
  const auto leaves = [](const Found &found) { return found.stub_pc != 0; };
  if (none_of(found_, leaves))
    return Error::success();
  engine_.redirector().reserve(found_.size());
  return engine_.handshake().with_stopped([&](auto) OSR_REQUIRES(engine_lock) {
    for (const Found &found : make_filter_range(found_, leaves)) {
      engine_.stubs().note_cause(found.stub_pc);
      engine_.redirector().redirect(found.frame, found.stub_pc);
    }
    engine_.redirector().finish();
  });
}

void SafepointScan::add_roots(const Found &found, Safepoint &safepoint) {
  const Frame &frame = found.frame;
  const SiteRecord record = *frame.code->sites.find(frame.code->offset_of(frame.pc));
  DenseSet<void **> seen; // a value may be in several states of one frame
  const auto slot_of = [&](const RecordedValue &value) -> void ** {
    if (value.source.kind == ValueSource::Kind::Constant)
      return nullptr; // a reference to nothing that moves
    OSR_CHECK(value.source.kind == ValueSource::Kind::Frame && value.source.recipe.empty() &&
                  value.size == sizeof(void *),
              "a reference of '{}' is in no slot of its frame", frame.code->name);
    return reinterpret_cast<void **>(frame.cfa + value.source.cfa_offset);
  };
  for (const bool derived :
       {false, true}) // first: what a caller takes for derived may be the object itself to whom was inlined
    for (const FrameRecord &inlined : record.frames) {
      const Site &site = engine_.program().functions[inlined.site.function].sites()[inlined.site.index];
      for (std::size_t i = 0; i < site.state.size(); ++i) {
        const std::optional<std::uint32_t> base = site.state[i].base;
        if (!base || (*base != i) != derived)
          continue;
        void **slot = slot_of(inlined.values[i]), **base_slot = slot_of(inlined.values[*base]);
        if (!slot || !base_slot || !seen.insert(slot).second)
          continue;
        if (derived)
          safepoint.derived_.push_back({slot, base_slot});
        else
          safepoint.roots_.push_back({slot, site.state[i].address_space});
      }
    }
}

Expected<Safepoint> SafepointScan::run(bool objects_move) {
  if (Error error = list_frames())
    return error;
  if (objects_move) {
    for (Found &found : found_)
      if (Error error = prepare_leaving(found))
        return error;
    if (Error error = leave())
      return error;
  }
  for (const Found &found : found_)
    add_roots(found, safepoint_);
  return std::move(safepoint_);
}

} // namespace osr
