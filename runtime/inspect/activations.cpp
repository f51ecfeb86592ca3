#include "runtime/inspect/activations.h"

#include "compiler/base/error.h"
#include "runtime/inspect/source_tables.h"
#include "runtime/inspect/stack_snapshot.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

/// Shows the activations of a snapshot; a frame has several where functions were inlined.
class Showing {
public:
  Showing(Engine &engine, function_ref<bool(const Activation &)> visit) : engine_(engine), visit_(visit) {}

  /// False: the visitor has had enough.
  bool show(const ThreadSnapshot &thread) OSR_REQUIRES(engine_lock) {
    return all_of(thread.frames,
                  [&](const FrameSnapshot &frame) OSR_REQUIRES(engine_lock) { return show(thread, frame); });
  }

private:
  bool show(const ThreadSnapshot &thread, const FrameSnapshot &frame) OSR_REQUIRES(engine_lock) {
    Activation activation;
    activation.thread = thread.tid;
    activation.tier = frame.code->tier;
    activation.function = frame.code->function_name;
    if (!frame.is_site)
      return visit_(activation);
    const SiteRecord record = *frame.code->sites.find(frame.code->offset_of(frame.pc));
    for (std::size_t i = record.frames.size(); i-- > 0;) {
      const FrameRecord &inlined = record.frames[i];
      const FunctionInfo &info = engine_.program().functions[inlined.site.function];
      const StringRef name = name_for_people(info.name);
      activation.function = {name.data(), name.size()};
      activation.is_inlined = i != 0;
      activation.site = inlined.site.index;
      const std::optional<SourceLine> line = lines_.find(inlined.site);
      activation.file = line ? std::string_view(line->file) : std::string_view();
      activation.line = line ? line->line : 0;
      read_point(info.sites()[inlined.site.index], inlined, thread, frame);
      activation.point = point_;
      activation.values = values_;
      if (!visit_(activation))
        return false;
    }
    return true;
  }

  void read_point(const Site &site, const FrameRecord &inlined, const ThreadSnapshot &thread,
                  const FrameSnapshot &frame) OSR_REQUIRES(engine_lock) {
    point_.reset();
    values_.clear();
    bytes_.clear();
    if (!site.point)
      return;
    point_ = site.point->id;
    std::size_t size = 0;
    for (const PointValue &value : site.point->values)
      size += value.size;
    bytes_.resize(size);
    std::byte *to = bytes_.data();
    for (const PointValue &value : site.point->values) {
      const bool is_known = read_value(engine_, value, inlined, thread, frame, to);
      values_.push_back(
          {value.type, is_known ? std::span<const std::byte>(to, value.size) : std::span<const std::byte>()});
      to += value.size;
    }
  }

  Engine &engine_;
  SiteLines lines_{engine_};
  function_ref<bool(const Activation &)> visit_;
  std::optional<std::uint64_t> point_; // of the activation that is shown
  std::vector<std::byte> bytes_;
  std::vector<ActivationValue> values_;
};

} // namespace

Error for_each_activation(Engine &engine, function_ref<bool(const Activation &)> visit, std::optional<pid_t> thread) {
  Undisturbed undisturbed;
  Lock lock(engine.mutex(), after_waiting);
  if (!engine.watches_threads())
    return Error::success(); // nothing runs yet
  auto threads = take_snapshot(engine, thread);
  if (!threads)
    return threads.takeError();
  Showing showing(engine, visit);
  for (const ThreadSnapshot &snapshot : *threads)
    if (!showing.show(snapshot))
      break;
  return Error::success();
}

} // namespace osr
