#include "runtime/redefine/standing_activations.h"

#include "compiler/base/error.h"
#include "runtime/engine/look_at_stacks.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_frames = 4096; ///< of all threads; there is room for more when there are

/// As much as is copied while threads are stopped.
struct StandingFrame {
  pid_t thread = 0;
  const CodeObject *code = nullptr;
  std::uintptr_t pc = 0;
  std::uintptr_t stub_pc = 0; ///< it waits for this stub, or was interrupted in it; else 0
  bool is_site = false;
  bool is_running = false;
};

class StandingFrames {
public:
  explicit StandingFrames(std::size_t threads) { make_room(usual_frames, threads); }

  void begin() {
    frames_.clear();
    threads_.clear();
  }
  void make_room() { make_room(frames_.capacity() * 4, threads_.capacity() * 2); }

  /// A stopped thread's; allocates nothing.
  StackLook add(const ProgramThread &thread, RulesFinder &rules, const FrameRedirector &redirector)
      OSR_REQUIRES(engine_lock) {
    StackLook look;
    look.has_room = threads_.size() < threads_.capacity();
    if (!look.has_room)
      return look;
    threads_.push_back({thread.tid, thread.role});
    look.status = walk_stopped_while(thread, rules, [&](const Frame &frame) OSR_REQUIRES(engine_lock) {
      if (!frame.code || frame.code->function == no_function)
        return true;
      look.has_room = frames_.size() < frames_.capacity();
      if (look.has_room)
        frames_.push_back({thread.tid, frame.code, frame.pc,
                           frame.kind == PcKind::Exact ? frame.stub_pc : redirector.stub_of(frame), frame.is_site,
                           frame.kind == PcKind::Exact});
      return look.has_room;
    });
    return look;
  }

  const std::vector<StandingFrame> &frames() const { return frames_; }
  std::vector<StandingThread> take_threads() { return std::move(threads_); }

private:
  void make_room(std::size_t frames, std::size_t threads) {
    frames_.reserve(frames);
    threads_.reserve(threads);
  }

  std::vector<StandingFrame> frames_;
  std::vector<StandingThread> threads_;
};

/// The activation at `site` of a frame, or the one that executes.
StandingActivation activation_in(Engine &engine, const StandingFrame &frame, FunctionId body,
                                 std::optional<std::uint32_t> site) OSR_REQUIRES(engine_lock) {
  StandingActivation activation{frame.thread, body, site, frame.stub_pc != 0, std::nullopt};
  if (frame.stub_pc == 0)
    return activation;
  const auto stub = engine.stub_table().find(frame.stub_pc);
  if (!stub)
    return activation;
  const Bodies &bodies = engine.targets().bodies();
  for (const CodeObject *to : static_cast<const ReturnStub *>(stub->handle)->to)
    if (bodies.entry_of(to->function) == bodies.entry_of(body))
      activation.goes_on_in = to->function;
  return activation;
}

void add_activations(Engine &engine, const StandingFrame &frame, function_ref<bool(FunctionId)> is_wanted,
                     std::vector<StandingActivation> &found) OSR_REQUIRES(engine_lock) {
  SiteRecord record;
  if (frame.is_site && !frame.is_running)
    record = frame.code->sites.find(frame.code->offset_of(frame.pc)).value_or(SiteRecord());
  for (const FrameRecord &inlined : reverse(record.frames))
    if (is_wanted(inlined.site.function))
      found.push_back(activation_in(engine, frame, inlined.site.function, inlined.site.index));
  if (record.frames.empty() && is_wanted(frame.code->function))
    found.push_back(activation_in(engine, frame, frame.code->function, std::nullopt));
}

} // namespace

Expected<StandingActivations> find_standing(Engine &engine, function_ref<bool(FunctionId)> is_wanted) {
  StandingFrames frames(engine.threads().most_at_once() + 16);
  auto unwalked = look_at_stacks(
      engine, [&] { frames.begin(); },
      [&](const ProgramThread &thread, RulesFinder &rules)
          OSR_REQUIRES(engine_lock) { return frames.add(thread, rules, engine.redirector()); },
      [&] { frames.make_room(); });
  if (!unwalked)
    return unwalked.takeError();
  if (*unwalked)
    return make_error("the stack of thread {} cannot be walked: {}", (*unwalked)->tid, describe((*unwalked)->status));
  StandingActivations standing;
  for (const StandingFrame &frame : frames.frames())
    add_activations(engine, frame, is_wanted, standing.activations);
  standing.threads = frames.take_threads();
  return standing;
}

} // namespace osr
