// Requests that change which code runs.
#include "compiler/base/choice.h"
#include "compiler/base/error.h"
#include "osr/compile_cache.h"
#include "runtime/control/control.h"

#include <fmt/ranges.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr Choice<Tier> tier_words[] = {{"baseline", Tier::Baseline}, {"optimized", Tier::Optimized}};
constexpr Choice<Frames> ways_of_frames[] = {
    {"rewrite", Frames::Rewrite}, {"finish", Frames::FinishOld}, {"quiescent", Frames::WaitQuiescent}};

std::string describe(const Version &version) {
  const CodeObject &code = version.object;
  if (code.continuation_site)
    return fmt::format("{} (continuation of site {})", code.id, *code.continuation_site);
  return fmt::format("{} ({})", code.id, to_string(code.tier));
}

/// Only versions that calls may enter are kept for somebody to come.
Expected<Tier> tier_of_version(Engine &engine, const std::string &function, std::uint64_t number) {
  Lock lock(engine.mutex(), after_waiting);
  auto body = engine.find_body(function);
  if (!body)
    return body.takeError();
  std::vector<std::string> others;
  for (const Tier tier : {Tier::Baseline, Tier::Optimized})
    for (const Version *version : engine.versions().versions_of(*body, tier)) {
      const CodeObject &code = version->object;
      if (code.id == number && code.continuation_site)
        return make_error("version {} of '{}' goes on from site {} only: 'optimized' sends each activation to the "
                          "continuation of its site",
                          number, function, *code.continuation_site);
      if (code.id == number)
        return tier;
      if (!code.continuation_site)
        others.push_back(describe(*version));
    }
  for (const auto &retired : engine.versions().retired())
    if (retired->object.id == number &&
        engine.targets().bodies().entry_of(retired->object.function) == engine.targets().bodies().entry_of(*body))
      return make_error("version {} of '{}' is out of use: it is freed when the last activation has left it", number,
                        function);
  return make_error("'{}' has no version {}; activations can be sent to {}", function, number,
                    others.empty() ? "'baseline' or 'optimized', of which there is no code yet"
                                   : fmt::format("{}", fmt::join(others, " and ")));
}

Expected<Tier> target_from(Engine &engine, const RpcRequest &request) {
  const json &to = request.parameters["to"];
  const std::string function = text_of(request, "function");
  if (to.is_number_unsigned())
    return tier_of_version(engine, function, to.get<std::uint64_t>());
  const StringRef word = to.get_ref<const json::string_t &>();
  if (const Tier *tier = find_meaning(word, tier_words))
    return *tier;
  std::uint64_t number = 0;
  if (word.getAsInteger(10, number))
    return make_error("'{}' has no version {}", function, word.str());
  return tier_of_version(engine, function, number);
}

/// Who sends activations to and fro has the same code made again each time, since what is out of use is freed.
void keep_what_is_compiled(Engine &engine) {
  constexpr std::size_t most_bytes = std::size_t(32) << 20;
  Lock lock(engine.mutex(), after_waiting);
  if (!engine.compiler().keeps_results())
    engine.compiler().keep_results(std::make_shared<MemoryCompileCache>(most_bytes));
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
  auto to = target_from(parts.engine, call.request);
  if (!to)
    return to.takeError();
  keep_what_is_compiled(parts.engine);
  ReplaceOptions options;
  options.to = *to;
  options.frames = meaning_of(text_of(call.request, "frames", "rewrite"), ways_of_frames);
  options.recompile = flag_of(call.request, "recompile");
  options.is_cancelled = &call.is_cancelled;
  options.progress = ProgressTeller(call);
  auto thread = thread_of(call.request);
  if (!thread)
    return thread.takeError();
  options.only_thread = *thread;
  auto outcome = parts.replacer.replace(text_of(call.request, "function"), options);
  if (!outcome)
    return outcome.takeError();
  return describe(*outcome);
}

Expected<json> answer_reclaim(const ControlParts &parts, const Call &) {
  return json{{"something_waits", parts.replacer.reclaim()}};
}

} // namespace osr
