// Patches, their way back, and what waits for activations.
#include "compiler/base/error.h"
#include "runtime/control/wanted_hooks.h"

#include <algorithm>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t most_seconds = 1'000'000; ///< that somebody waits for a patch

PatchOptions patch_options_from(const ControlParts &parts, const Call &call) {
  PatchOptions options;
  options.to = tier_from(text_of(call.request, "to", "optimized"));
  if (const auto seconds = number_of(call.request, "wait"))
    options.wait = std::chrono::seconds(std::min(*seconds, most_seconds));
  options.is_cancelled = &call.is_cancelled;
  options.progress = ProgressTeller(call);
  tell_if_read_anew(parts, options.progress);
  return options;
}

Expected<json> describe(Expected<PatchOutcome> outcome) {
  if (!outcome)
    return outcome.takeError();
  json described = describe(outcome->all);
  described["number"] = outcome->number;
  described["functions"] = outcome->functions;
  described["same_shape"] = outcome->same_shape;
  return described;
}

Expected<std::vector<PatchedBody>> bodies_from(const json &functions) {
  std::vector<PatchedBody> bodies;
  for (const json &object : functions) {
    if (!object.is_object() || !object.value("function", json()).is_string() || !object.value("ir", json()).is_string())
      return make_error("'functions' has to be a list of objects with 'function' and 'ir'");
    auto ir = buffer_from(object["ir"].get_ref<const json::string_t &>());
    if (!ir)
      return ir.takeError();
    bodies.push_back({object["function"].get<std::string>(), std::move(*ir)});
  }
  return bodies;
}

} // namespace

Expected<json> answer_patch(const ControlParts &parts, const Call &call) {
  auto bodies = bodies_from(call.request.parameters["functions"]);
  if (!bodies)
    return bodies.takeError();
  WantedHooks hooks(parts, call);
  if (Error error = hooks.find())
    return error;
  PatchOptions options = patch_options_from(parts, call);
  options.before = hooks.before();
  return hooks.conclude(describe(parts.redefiner.patch(*bodies, options)));
}

Expected<json> revert_patch(const ControlParts &parts, const Call &call) {
  if (call.request.parameters.contains("site_map") || flag_of(call.request, "same_sites"))
    return make_error("how activations go on can be said of a function, not of a patch");
  WantedHooks hooks(parts, call);
  if (Error error = hooks.find())
    return error;
  PatchOptions options = patch_options_from(parts, call);
  options.before = hooks.before();
  return hooks.conclude(describe(parts.redefiner.revert_patch(options)));
}

Expected<json> redefine_when_free(const ControlParts &parts, const Call &call, std::unique_ptr<MemoryBuffer> ir) {
  if (call.request.parameters.contains("site_map") || flag_of(call.request, "same_sites"))
    return make_error("who waits for activations cannot say how they go on: site maps are found automatically");
  std::vector<PatchedBody> bodies;
  bodies.push_back({text_of(call.request, "function"), std::move(ir)});
  return describe(parts.redefiner.patch(bodies, patch_options_from(parts, call)));
}

} // namespace osr
