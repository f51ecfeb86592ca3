// What optimised code takes for granted, and was wrong about.
#include "compiler/base/error.h"
#include "runtime/control/control.h"
#include "runtime/inspect/source_tables.h"

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

/// What the statistics call a guard: "name#3: the reason for which activations left there".
struct FailedGuess {
  StringRef function, reason;
  std::uint32_t site = 0;
};

std::optional<FailedGuess> parse_exit(StringRef text) {
  FailedGuess guess;
  const auto [place, reason] = text.split(": ");
  const auto [function, site] = place.rsplit('#');
  guess.function = function;
  guess.reason = reason;
  return site.getAsInteger(10, guess.site) ? std::nullopt : std::optional(guess);
}

} // namespace

json failed_guesses(Engine &engine, std::optional<std::string> function) {
  std::map<std::pair<StringRef, std::uint32_t>, json> by_place;
  SiteLines lines(engine);
  for (const auto &[text, activations] : engine.statistics().guards.exits) {
    const auto guess = parse_exit(text);
    if (!guess || (function && *function != guess->function))
      continue;
    const auto [found, is_new] = by_place.try_emplace({guess->function, guess->site});
    json &described = found->second;
    described["failed"][guess->reason.str()] = activations;
    if (!is_new)
      continue;
    described["function"] = guess->function.str();
    described["site"] = guess->site;
    auto body = engine.find_body(guess->function);
    if (!body) { // it was removed
      consumeError(body.takeError());
      continue;
    }
    const SiteId site{*body, guess->site};
    described["dropped"] = !engine.compiler().assumes(site);
    if (const auto line = lines.find(site)) {
      described["file"] = line->file;
      described["line"] = line->line;
    }
  }
  json guesses = json::array();
  for (auto &[place, described] : by_place)
    guesses.push_back(std::move(described));
  return guesses;
}

Expected<json> answer_speculation(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  std::optional<std::string> function;
  if (call.request.parameters.contains("function")) {
    auto body = engine.find_body(text_of(call.request, "function"));
    if (!body)
      return body.takeError();
    function = engine.program().functions[*body].name;
  }
  const Statistics::Guards &guards = engine.statistics().guards;
  return json{{"speculates", engine.compiler().speculates()},
              {"guesses", failed_guesses(engine, function)},
              {"failed", guards.failed},
              {"dropped", guards.dropped},
              {"invalidated", guards.invalidated}};
}

} // namespace osr
