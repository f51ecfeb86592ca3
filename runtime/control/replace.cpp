// Requests that change which code runs.
#include "runtime/control/control.h"

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

Frames frames_of(const std::string &word) {
  return word == "finish" ? Frames::FinishOld : word == "quiescent" ? Frames::WaitQuiescent : Frames::Rewrite;
}

json describe(const ReplaceOutcome &outcome) {
  return {{"rewritten", outcome.rewritten},
          {"at_polls", outcome.at_polls},
          {"already", outcome.already},
          {"running", outcome.running},
          {"may_land_in_old", outcome.may_land_in_old},
          {"refused", outcome.refused},
          {"stops", outcome.stops},
          {"longest_pause_seconds", outcome.pause_seconds},
          {"longest_poll_seconds", outcome.poll_seconds}};
}

} // namespace

Expected<json> answer_replace(const ControlParts &parts, const Call &call) {
  ReplaceOptions options;
  options.to = text_of(call.request, "to") == "baseline" ? Tier::Baseline : Tier::Optimized;
  options.frames = frames_of(text_of(call.request, "frames"));
  options.recompile = flag_of(call.request, "recompile");
  options.is_cancelled = &call.is_cancelled;
  auto outcome = parts.replacer.replace(text_of(call.request, "function"), options);
  if (!outcome)
    return outcome.takeError();
  return describe(*outcome);
}

Expected<json> answer_reclaim(const ControlParts &parts, const Call &) {
  return json{{"something_waits", parts.replacer.reclaim()}};
}

} // namespace osr
