#include "runtime/inspect/stack_snapshot.h"

#include "compiler/base/error.h"
#include "osr-stubs/recipe.h"
#include "runtime/threads/stopped_walk.h"

#include <cstring>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_frames = 256, usual_bytes = 64 * 1024, usual_threads = 16;
constexpr std::uint64_t widest_arguments = 4096; ///< values may be where a caller passed them
constexpr unsigned most_walk_retries = 200; ///< a thread may be stopped where no walk is possible

/// A stack is copied word by word, as it may hold anything.
OSR_OF_STOPPED_THREAD __attribute__((no_sanitize("address"))) void copy_words(std::byte *to, std::uint64_t from,
                                                                              std::size_t bytes) {
  for (std::size_t i = 0; i + 8 <= bytes; i += 8)
    *reinterpret_cast<std::uint64_t *>(to + i) = *reinterpret_cast<const volatile std::uint64_t *>(from + i);
}

/// All threads are stopped; there is room for some, and `wanted` says how much there should be.
class Copying {
public:
  explicit Copying(std::vector<ThreadSnapshot> &room) : room_(room) {}

  bool copy(const ProgramThread &thread, RulesFinder &rules) {
    if (used == room_.size()) {
      is_full = true;
      return false;
    }
    ThreadSnapshot &to = room_[used++];
    to.tid = thread.tid;
    to.frames.clear();
    to.stack.clear();
    to.low = start_of_walk(thread).registers.sp & ~std::uint64_t(7);
    const WalkStatus status =
        walk_stopped_with_cursor(thread, rules, [&](const FrameCursor &cursor) { return add(to, cursor); });
    if (is_full)
      return false;
    if (status != WalkStatus::ReachedBase) {
      failure = status;
      failed = thread.tid;
      return false;
    }
    return to.frames.empty() || copy_stack(to, std::min(thread.stack_high, to.frames.back().cfa + widest_arguments));
  }

  std::size_t used = 0;
  bool is_full = false;
  std::size_t most_frames = 0, most_bytes = 0; ///< what would have been needed
  WalkStatus failure = WalkStatus::ReachedBase;
  pid_t failed = 0;

private:
  bool add(ThreadSnapshot &to, const FrameCursor &cursor) {
    const Frame &frame = cursor.frame();
    if (!frame.code || frame.code->function == no_function)
      return true;
    if (to.frames.size() == to.frames.capacity()) {
      most_frames = to.frames.capacity() * 4;
      is_full = true;
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

  bool copy_stack(ThreadSnapshot &to, std::uint64_t high) {
    const std::size_t bytes = high > to.low ? high - to.low : 0; // what begins on an alternate stack is elsewhere
    if (bytes > to.stack.capacity()) {
      most_bytes = bytes * 2;
      is_full = true;
      return false;
    }
    to.stack.resize(bytes); // within its capacity: does not allocate
    copy_words(to.stack.data(), to.low, bytes);
    return true;
  }

  std::vector<ThreadSnapshot> &room_;
};

void make_room(std::vector<ThreadSnapshot> &room, std::size_t threads, std::size_t frames, std::size_t bytes) {
  room.resize(threads);
  for (ThreadSnapshot &thread : room) {
    thread.frames.reserve(frames);
    thread.stack.reserve(bytes);
  }
}

} // namespace

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

Expected<std::vector<ThreadSnapshot>> take_snapshot(Engine &engine, std::optional<pid_t> tid) {
  std::vector<ThreadSnapshot> threads;
  std::size_t frames = usual_frames, bytes = usual_bytes;
  make_room(threads, tid ? 1 : usual_threads, frames, bytes);
  const RegistryLookup lookup = engine.lookup();
  for (unsigned retries = 0;;) {
    Copying copying(threads);
    Error error = engine.handshake().with_stopped([&](StoppedThreads stopped) {
      RulesFinder rules(lookup, engine.stub_table());
      for (const auto &thread : stopped)
        if ((!tid || *tid == thread->tid) && !copying.copy(*thread, rules))
          break;
    });
    if (error)
      return error;
    if (copying.is_full) {
      frames = std::max(frames, copying.most_frames);
      bytes = std::max(bytes, copying.most_bytes);
      make_room(threads, copying.most_frames || copying.most_bytes ? threads.size() : threads.size() * 4, frames,
                bytes);
    } else if (copying.failure == WalkStatus::ReachedBase) {
      threads.resize(copying.used);
      return threads;
    } else if (++retries > most_walk_retries) {
      return make_error("the stack of thread {} cannot be walked: {}", copying.failed, describe(copying.failure));
    } else {
      let_threads_run(retries);
    }
  }
}

} // namespace osr
