// Requests that change which code runs.
#include "compiler/base/error.h"
#include "runtime/control/control.h"

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

Frames frames_of(const std::string &word) {
  return word == "finish" ? Frames::FinishOld : word == "quiescent" ? Frames::WaitQuiescent : Frames::Rewrite;
}

/// It may have ended since it was listed.
Error check_thread(Engine &engine, pid_t tid) {
  Lock lock(engine.threads().mutex());
  for (const auto &thread : engine.threads().threads())
    if (thread->tid == tid)
      return Error::success();
  return make_error("there is no thread {} of the program; 'threads' lists them", tid);
}

} // namespace

Tier tier_from(const std::string &word) { return word == "baseline" ? Tier::Baseline : Tier::Optimized; }

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

Expected<json> answer_replace(const ControlParts &parts, const Call &call) {
  ReplaceOptions options;
  options.to = tier_from(text_of(call.request, "to"));
  options.frames = frames_of(text_of(call.request, "frames"));
  options.recompile = flag_of(call.request, "recompile");
  options.is_cancelled = &call.is_cancelled;
  if (const auto thread = number_of(call.request, "thread")) {
    options.only_thread = pid_t(*thread);
    if (Error error = check_thread(parts.engine, *options.only_thread))
      return error;
  }
  auto outcome = parts.replacer.replace(text_of(call.request, "function"), options);
  if (!outcome)
    return outcome.takeError();
  return describe(*outcome);
}

Expected<json> answer_reclaim(const ControlParts &parts, const Call &) {
  return json{{"something_waits", parts.replacer.reclaim()}};
}

} // namespace osr
