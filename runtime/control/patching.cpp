// Patches, their way back, and what waits for activations.
#include "compiler/base/error.h"
#include "runtime/control/wanted_hooks.h"

#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <initializer_list>

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

bool says_where_they_go(const Call &call) {
  return call.request.parameters.contains("site_map") || flag_of(call.request, "same_sites");
}

/// With the hooks that the client wants.
Expected<json> change(const ControlParts &parts, const Call &call,
                      function_ref<Expected<PatchOutcome>(const PatchOptions &)> make) {
  WantedHooks hooks(parts, call);
  if (Error error = hooks.find())
    return error;
  PatchOptions options = patch_options_from(parts, call);
  options.before = hooks.before();
  return hooks.conclude(describe(make(options)));
}

} // namespace

Expected<json> answer_patch(const ControlParts &parts, const Call &call) {
  auto bodies = bodies_from(call.request.parameters["functions"]);
  if (!bodies)
    return bodies.takeError();
  return change(parts, call, [&](const PatchOptions &options) { return parts.redefiner.patch(*bodies, options); });
}

bool is_as_patch(const Call &call) {
  return any_of(std::initializer_list<const char *>{"wait", "before", "after", "hooks"},
                [&](const char *name) { return call.request.parameters.contains(name); });
}

Expected<json> revert_as_patch(const ControlParts &parts, const Call &call) {
  if (says_where_they_go(call))
    return make_error("how activations go on can be said of one function that goes back, without hooks and waiting");
  return change(parts, call, [&](PatchOptions options) {
    options.alone = text_of(call.request, "function");
    return parts.redefiner.revert_patch(options);
  });
}

Expected<json> redefine_as_patch(const ControlParts &parts, const Call &call, std::unique_ptr<MemoryBuffer> ir) {
  if (says_where_they_go(call))
    return make_error("how activations go on cannot be said with hooks or waiting: site maps are found automatically");
  std::vector<PatchedBody> bodies;
  bodies.push_back({text_of(call.request, "function"), std::move(ir)});
  return change(parts, call, [&](const PatchOptions &options) { return parts.redefiner.patch(bodies, options); });
}

} // namespace osr
