// How far the program is with its patches.
#include "runtime/control/control.h"
#include "runtime/control/frame_texts.h"

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

json describe(const PatchState &patch) {
  json described{{"number", patch.number}, {"functions", patch.functions}, {"waits", patch.waits}};
  if (patch.goes_back)
    described["goes_back"] = true;
  return described;
}

json describe(const OldActivation &activation, FrameTexts &texts) OSR_REQUIRES(engine_lock) {
  json described = texts.describe_place(activation.site, activation.is_in_call);
  described["goes_on"] = activation.goes_on;
  described["lacks"] = activation.lacks;
  if (!activation.reason.empty())
    described["reason"] = activation.reason;
  return described;
}

json describe(const ThreadPatchState &thread, FrameTexts &texts) OSR_REQUIRES(engine_lock) {
  json old = json::array();
  bool is_patched = true;
  for (const OldActivation &activation : thread.old) {
    old.push_back(describe(activation, texts));
    is_patched &= activation.goes_on;
  }
  return {{"thread", thread.thread},
          {"name", thread_name(thread.thread)},
          {"role", to_string(thread.role)},
          {"patched", is_patched},
          {"old", std::move(old)}};
}

} // namespace

Expected<json> answer_patches(const ControlParts &parts, const Call &) {
  Lock lock(parts.engine.mutex(), after_waiting);
  auto report = parts.redefiner.report_patches();
  if (!report)
    return report.takeError();
  json patches = json::array(), threads = json::array();
  FrameTexts texts(parts.engine);
  for (const PatchState &patch : report->patches)
    patches.push_back(describe(patch));
  for (const ThreadPatchState &thread : report->threads)
    threads.push_back(describe(thread, texts));
  return json{{"patches", std::move(patches)}, {"threads", std::move(threads)}};
}

Expected<json> answer_force(const ControlParts &parts, const Call &) {
  return json{{"forced", parts.redefiner.force_waiting()}};
}

} // namespace osr
