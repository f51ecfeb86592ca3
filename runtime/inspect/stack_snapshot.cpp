#include "runtime/inspect/stack_snapshot.h"

#include "compiler/base/error.h"
#include "osr-stubs/recipe.h"

#include <cstring>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_threads = 16;

/// A stack is copied word by word, as it may hold anything.
OSR_OF_STOPPED_THREAD __attribute__((no_sanitize("address"))) void copy_words(std::byte *to, std::uint64_t from,
                                                                              std::size_t bytes) {
  for (std::size_t i = 0; i + 8 <= bytes; i += 8)
    *reinterpret_cast<std::uint64_t *>(to + i) = *reinterpret_cast<const volatile std::uint64_t *>(from + i);
}

} // namespace

StackCopies::StackCopies(std::size_t threads, std::uint64_t beyond) : beyond_(beyond) { reserve(threads); }

void StackCopies::begin() {
  used_ = 0;
  more_threads_ = false;
}

StackLook StackCopies::copy(const ProgramThread &thread, RulesFinder &rules) {
  StackLook seen;
  if (used_ == room_.size()) {
    more_threads_ = true;
    seen.has_room = false;
    return seen;
  }
  ThreadSnapshot &to = room_[used_++];
  to.tid = thread.tid;
  to.frames.clear();
  to.stack.clear();
  to.low = start_of_walk(thread).registers.sp & ~std::uint64_t(7);
  seen.status = walk_stopped_with_cursor(thread, rules,
                                         [&](const FrameCursor &cursor) { return seen.has_room = add(to, cursor); });
  if (seen.has_room && seen.status == WalkStatus::ReachedBase && !to.frames.empty() && thread.is_own_stack(to.low))
    seen.has_room = copy_stack(to, std::min(thread.stack_high, to.frames.back().cfa + beyond_));
  return seen;
}

void StackCopies::make_room() { reserve(more_threads_ ? room_.size() * 4 : room_.size()); }

std::vector<ThreadSnapshot> StackCopies::take() {
  room_.resize(used_);
  return std::move(room_);
}

void StackCopies::reserve(std::size_t threads) {
  room_.resize(threads);
  for (ThreadSnapshot &thread : room_) {
    thread.frames.reserve(frames_);
    thread.stack.reserve(bytes_);
  }
}

/// False: there is no room.
bool StackCopies::add(ThreadSnapshot &to, const FrameCursor &cursor) {
  const Frame &frame = cursor.frame();
  if (!frame.code || frame.code->function == no_function)
    return true;
  if (to.frames.size() == to.frames.capacity()) {
    frames_ = to.frames.capacity() * 4;
    return false;
  }
  FrameSnapshot &copy = to.frames.emplace_back();
  copy.code = frame.code;
  copy.pc = frame.pc;
  copy.cfa = frame.cfa;
  copy.is_site = frame.is_site;
  std::copy(cursor.registers().saved.begin(), cursor.registers().saved.end(), copy.saved.begin());
  return true;
}

/// False: there is no room.
bool StackCopies::copy_stack(ThreadSnapshot &to, std::uint64_t high) {
  const std::size_t bytes = high > to.low ? high - to.low : 0;
  if (bytes > to.stack.capacity()) {
    bytes_ = bytes * 2;
    return false;
  }
  to.stack.resize(bytes); // within its capacity: does not allocate
  copy_words(to.stack.data(), to.low, bytes);
  return true;
}

bool ThreadSnapshot::read(const FrameSnapshot &frame, const RecordedValue &value, std::byte *to) const {
  const ValueSource &source = value.source;
  std::uint64_t word = 0;
  switch (source.kind) {
  case ValueSource::Kind::Register: word = frame.saved[unsigned(source.reg)]; break;
  case ValueSource::Kind::Constant: word = source.constant; break;
  case ValueSource::Kind::FrameAddress: word = frame.cfa + source.cfa_offset; break;
  case ValueSource::Kind::Frame: {
    const std::uint64_t at = frame.cfa + source.cfa_offset;
    if (at < low || at + value.size > low + stack.size())
      return false;
    if (source.recipe.empty()) {
      std::memcpy(to, stack.data() + (at - low), value.size);
      return true;
    }
    std::memcpy(&word, stack.data() + (at - low), std::min<std::size_t>(value.size, sizeof(word)));
    break;
  }
  }
  word = apply_recipe(word, source.recipe);
  std::memset(to, 0, value.size);
  std::memcpy(to, &word, std::min<std::size_t>(value.size, sizeof(word)));
  return true;
}

bool ThreadSnapshot::read_memory(std::uint64_t address, std::byte *to, std::size_t size) const {
  if (address < low || size > stack.size() || address - low > stack.size() - size)
    return false;
  std::memcpy(to, stack.data() + (address - low), size);
  return true;
}

bool read_value(Engine &engine, const PointValue &value, const FrameRecord &inlined, const ThreadSnapshot &thread,
                const FrameSnapshot &frame, std::byte *to) {
  std::uint64_t word = 0;
  switch (value.kind) {
  case PointValue::Kind::Unknown: return false;
  case PointValue::Kind::State:
    if (!thread.read(frame, inlined.values[value.index], to))
      return false;
    if (value.addend == 0)
      return true;
    std::memcpy(&word, to, std::min<std::size_t>(value.size, sizeof(word)));
    break;
  case PointValue::Kind::Constant: word = value.constant; break;
  case PointValue::Kind::Symbol: {
    auto address = engine.session().lookup(value.symbol);
    if (!address) {
      consumeError(address.takeError());
      return false;
    }
    word = *address;
    break;
  }
  }
  word += std::uint64_t(value.addend);
  std::memset(to, 0, value.size);
  std::memcpy(to, &word, std::min<std::size_t>(value.size, sizeof(word)));
  return true;
}

Expected<std::vector<ThreadSnapshot>> take_snapshot(Engine &engine, std::optional<pid_t> tid) {
  StackCopies copying(tid ? 1 : usual_threads);
  auto unwalked = look_at_stacks(
      engine, [&] { copying.begin(); },
      [&](const ProgramThread &thread, RulesFinder &rules) {
        return !tid || *tid == thread.tid ? copying.copy(thread, rules) : StackLook();
      },
      [&] { copying.make_room(); });
  if (!unwalked)
    return unwalked.takeError();
  if (*unwalked)
    return make_error("the stack of thread {} cannot be walked: {}", (*unwalked)->tid, describe((*unwalked)->status));
  return copying.take();
}

} // namespace osr
