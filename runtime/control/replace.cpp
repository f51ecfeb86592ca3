// Requests that change which code runs.
#include "compiler/base/choice.h"
#include "compiler/base/error.h"
#include "runtime/control/control.h"

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr Choice<Tier> tier_words[] = {{"baseline", Tier::Baseline}, {"optimized", Tier::Optimized}};
constexpr Choice<Frames> ways_of_frames[] = {
    {"rewrite", Frames::Rewrite}, {"finish", Frames::FinishOld}, {"quiescent", Frames::WaitQuiescent}};

/// It may have ended since it was listed.
Error check_thread(Engine &engine, pid_t tid) {
  Lock lock(engine.threads().mutex());
  for (const auto &thread : engine.threads().threads())
    if (thread->tid == tid)
      return Error::success();
  return make_error("there is no thread {} of the program; 'threads' lists them", tid);
}

} // namespace

Tier tier_from(const std::string &word) { return meaning_of(word, tier_words); }

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
  options.frames = meaning_of(text_of(call.request, "frames", "rewrite"), ways_of_frames);
  options.recompile = flag_of(call.request, "recompile");
  options.is_cancelled = &call.is_cancelled;
  options.progress = ProgressTeller(call);
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
