#include "runtime/control/stacks.h"

#include "compiler/base/error.h"
#include "runtime/control/control.h"
#include "runtime/control/frame_texts.h"
#include "runtime/engine/look_at_stacks.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/MemoryBuffer.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_depth = 256, most_depth = 100'000;
constexpr std::size_t depth_for_threads = 64; ///< the newest frame of the program is seldom deeper
constexpr std::size_t first_room = 16 * 1024; ///< frames of all threads
constexpr std::uint64_t most_beyond = 1 << 20; ///< objects of the oldest function lie behind its frame

StackLook see(const ProgramThread &thread, RulesFinder &rules, const FrameRedirector &redirector, std::size_t depth,
              SeenStacks &stacks) OSR_REQUIRES(engine_lock) {
  StackLook look;
  look.has_room = stacks.threads.size() < stacks.threads.capacity();
  if (!look.has_room)
    return look;
  SeenThread seen{thread.tid, thread.role, WalkStatus::ReachedBase, stacks.frames.size(), 0};
  seen.status = walk_stopped_while(thread, rules, [&](const Frame &frame) OSR_REQUIRES(engine_lock) {
    if (seen.count == depth)
      return false;
    look.has_room = stacks.frames.size() < stacks.frames.capacity();
    if (!look.has_room)
      return false;
    stacks.frames.push_back(
        {frame.pc, redirector.stub_of(frame), frame.code, frame.is_site, frame.kind == PcKind::Exact});
    ++seen.count;
    return true;
  });
  look.status = seen.status;
  seen.waits = thread.is_suspended;
  seen.is_unseen = thread.sight == Sight::Unseen;
  stacks.threads.push_back(seen);
  return look;
}

} // namespace

const char *to_string(ThreadRole role) {
  switch (role) {
  case ThreadRole::Host: return "host";
  case ThreadRole::Main: return "main";
  case ThreadRole::Program: return "program";
  }
  return "";
}

std::string thread_name(pid_t tid) {
  auto text = MemoryBuffer::getFileAsStream(fmt::format("/proc/self/task/{}/comm", tid));
  return text ? (*text)->getBuffer().trim().str() : "";
}

Expected<SeenStacks> see_stacks(Engine &engine, std::size_t depth, std::optional<pid_t> only, WithValues values,
                                std::size_t most_waiting) {
  if (!engine.watches_threads())
    return make_error("no program is running");
  SeenStacks stacks;
  const auto reserve = [&](std::size_t frames, std::size_t threads) {
    stacks.frames.reserve(frames);
    stacks.threads.reserve(threads);
  };
  reserve(first_room, engine.threads().most_at_once() + 16);
  std::optional<StackCopies> copies;
  if (values == WithValues::Yes)
    copies.emplace(stacks.threads.capacity(), most_beyond);
  auto unwalked = look_at_stacks(
      engine,
      [&] {
        stacks.frames.clear();
        stacks.threads.clear();
        stacks.waiting = 0;
        if (copies)
          copies->begin();
      },
      [&](const ProgramThread &thread, RulesFinder &rules) OSR_REQUIRES(engine_lock) {
        if (only && thread.tid != *only)
          return StackLook();
        if (thread.is_suspended && ++stacks.waiting > most_waiting)
          return StackLook();
        StackLook look = see(thread, rules, engine.redirector(), depth, stacks);
        if (look.has_room && copies)
          look.has_room = copies->copy(thread, rules).has_room;
        return look;
      },
      [&] {
        reserve(stacks.frames.capacity() * 4, stacks.threads.capacity() * 2);
        if (copies)
          copies->make_room();
      });
  if (!unwalked)
    return unwalked.takeError();
  if (copies)
    stacks.copies = copies->take();
  return stacks; // each thread says how its walk ended
}

void tell_if_read_anew(const ControlParts &parts, const std::function<void(const std::string &)> &progress) {
  if (!parts.sources.is_prepared())
    progress("reads the program again, for its variables");
}

Expected<json> answer_threads(const ControlParts &parts, const Call &) {
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  auto seen = see_stacks(engine, depth_for_threads, {}, WithValues::No, /*most_waiting=*/0);
  if (!seen)
    return seen.takeError();
  json threads = json::array();
  for (const SeenThread &thread : seen->threads) {
    json described{{"thread", thread.tid}, {"name", thread_name(thread.tid)}, {"role", to_string(thread.role)}};
    const auto frames = ArrayRef(seen->frames).slice(thread.first, thread.count);
    const auto *newest = find_if(frames, is_own);
    if (newest != frames.end())
      described["newest"] = FrameTexts(engine).describe(*newest)[0];
    threads.push_back(std::move(described));
  }
  return json{{"threads", std::move(threads)}, {"waiting", seen->waiting}};
}

Expected<json> answer_stack(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  const std::size_t depth = std::min<std::size_t>(number_of(call.request, "depth").value_or(usual_depth), most_depth);
  auto only = thread_of(call.request);
  if (!only)
    return only.takeError();
  const bool with_values = flag_of(call.request, "values");
  if (with_values) {
    tell_if_read_anew(parts, ProgressTeller(call));
    if (Error error = parts.sources.prepare()) // nobody waits for it
      return error;
  }
  Lock lock(engine.mutex(), after_waiting);
  auto seen = see_stacks(engine, depth, *only, with_values ? WithValues::Yes : WithValues::No);
  if (!seen)
    return seen.takeError();
  if (*only && seen->threads.empty())
    return make_error("there is no thread {} of the program; 'threads' lists them", **only);
  json threads = json::array();
  FrameTexts texts(engine, with_values ? &parts.redefiner : nullptr);
  for (const auto &[index, thread] : enumerate(seen->threads)) {
    json frames = json::array();
    const ThreadSnapshot *copy = with_values ? &seen->copies[index] : nullptr;
    std::size_t copied = 0;
    for (const SeenFrame &frame : ArrayRef(seen->frames).slice(thread.first, thread.count)) {
      const FrameSnapshot *values = copy && is_own(frame) ? &copy->frames[copied++] : nullptr;
      for (json &activation : texts.describe(frame, copy, values))
        frames.push_back(std::move(activation));
    }
    json described{{"thread", thread.tid},
                   {"name", thread_name(thread.tid)},
                   {"role", to_string(thread.role)},
                   {"frames", std::move(frames)}};
    if (thread.waits)
      described["waits"] = true;
    if (thread.is_unseen)
      described["incomplete"] =
          "the program has left this stack without a word, or its memory is something else by now";
    else if (thread.status == WalkStatus::Walking)
      described["older_frames_left_out"] = true;
    else if (thread.status != WalkStatus::ReachedBase)
      described["incomplete"] = describe(thread.status);
    threads.push_back(std::move(described));
  }
  json answer{{"threads", std::move(threads)}};
  if (seen->waiting > most_waiting_told)
    answer["waiting_left_out"] = seen->waiting - most_waiting_told;
  return answer;
}

} // namespace osr
