// The C interface of requests and new bodies.
#include "runtime/facade/c_support.h"

using namespace llvm;
using namespace osr;

namespace {

Expected<Frames> frames_of(osr_frames frames) {
  switch (frames) {
  case OSR_FRAMES_REWRITE: return Frames::Rewrite;
  case OSR_FRAMES_FINISH_OLD: return Frames::FinishOld;
  case OSR_FRAMES_WAIT_QUIESCENT: return Frames::WaitQuiescent;
  }
  return make_error(ErrorCode::Invalid, "osr_replace_options has an unknown value of 'frames': {}", unsigned(frames));
}

Expected<ReplaceOptions> options_of(const osr_replace_options &given) {
  auto chosen = structure_from(given, sizeof(osr_replace_options), "osr_replace_options");
  if (!chosen)
    return chosen.takeError();
  auto tier = tier_of(chosen->tier);
  if (!tier)
    return tier.takeError();
  auto frames = frames_of(chosen->frames);
  if (!frames)
    return frames.takeError();
  ReplaceOptions options;
  options.to = *tier;
  options.frames = *frames;
  options.old_code = chosen->keep_old_code ? OldCode::Keep : OldCode::Free;
  options.redirect_calls = !chosen->keep_calls;
  options.recompile = chosen->recompile != 0;
  options.may_wait = !chosen->without_waiting;
  if (chosen->only_thread) {
    options.only_thread = int(chosen->only_thread);
    if (*options.only_thread != chosen->only_thread)
      return make_error(ErrorCode::Invalid, "{} is no number of a thread", chosen->only_thread);
  }
  return options;
}

osr_replace_outcome outcome_of(const ReplaceOutcome &outcome) {
  osr_replace_outcome shown{outcome.rewritten, outcome.already, outcome.running, 0};
  for (const auto &[reason, count] : outcome.refused)
    shown.refused += count;
  return shown;
}

} // namespace

char *osr_replace_with(osr_runtime *runtime, const char *function, const osr_replace_options *chosen,
                       osr_replace_outcome *outcome) {
  auto options = options_of(*chosen);
  if (!options)
    return message_of(options.takeError());
  auto replaced = runtime->runtime->replace(function, *options);
  if (!replaced)
    return message_of(replaced.takeError());
  if (outcome)
    *outcome = outcome_of(*replaced);
  return nullptr;
}

char *osr_redefine_with(osr_runtime *runtime, const char *function, const char *bytes, std::size_t size,
                        const osr_redefine_options *given, osr_replace_outcome *old_body) {
  auto chosen = structure_from(*given, sizeof(osr_redefine_options), "osr_redefine_options");
  if (!chosen)
    return message_of(chosen.takeError());
  auto tier = tier_of(chosen->tier);
  if (!tier)
    return message_of(tier.takeError());
  RedefineOptions options;
  options.to = *tier;
  options.same_sites = chosen->same_sites != 0;
  options.same_sites_if_same_shape = chosen->same_sites_if_same_shape != 0;
  options.find_site_map = chosen->find_site_map != 0;
  options.keep_old_body = chosen->keep_old_body != 0;
  const auto ir = MemoryBuffer::getMemBufferCopy(StringRef(bytes, size), function);
  auto redefined = runtime->runtime->redefine(function, ir->getMemBufferRef(), options);
  if (!redefined)
    return message_of(redefined.takeError());
  if (old_body)
    *old_body = outcome_of(redefined->old_body);
  return nullptr;
}

char *osr_revert(osr_runtime *runtime, const char *function) {
  return message_of(runtime->runtime->revert(function).takeError());
}

int osr_reclaim(osr_runtime *runtime) { return runtime->runtime->reclaim(); }
