// Questions that no thread has to stop for.
#include "compiler/base/choice.h"
#include "compiler/base/error.h"
#include "runtime/control/control.h"
#include "runtime/control/frame_texts.h"
#include "runtime/control/version_text.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/GlobPattern.h>

#include <algorithm>
#include <map>
#include <set>
#include <unistd.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t usual_functions = 1000;

std::chrono::seconds since_beginning() {
  const auto began = process_began("/proc/self");
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec - std::int64_t(began.value_or(0)) / ::sysconf(_SC_CLK_TCK));
}

json describe_version(const Version &version, const CallTargets &targets) OSR_REQUIRES(engine_lock) {
  const CodeObject &code = version.object;
  json result = describe_version(code);
  result["address"] = code.code_begin;
  result["code_bytes"] = code.code_size;
  result["sites"] = code.sites.size();
  if (!code.continuation_site)
    result["calls_enter"] = code.state() == CodeState::InUse && targets.enter(version);
  return result;
}

/// By body.
std::map<FunctionId, std::vector<const Version *>> versions_by_body(const VersionStore &versions)
    OSR_REQUIRES(engine_lock) {
  std::map<FunctionId, std::vector<const Version *>> found;
  versions.for_each_in_use([&](const Version &version) { found[version.object.function].push_back(&version); });
  return found;
}

/// A line of the list.
json summary_of(const ControlParts &parts, const FunctionInfo &body, ArrayRef<const Version *> versions)
    OSR_REQUIRES(engine_lock) {
  const CallTargets &targets = parts.engine.targets();
  json result{{"function", body.name}};
  if (body.is_numbered())
    result["sites"] = body.sites().size();
  std::uint64_t bytes = 0, continuations = 0;
  for (const Version *version : versions) {
    bytes += version->object.code_size;
    continuations += version->object.continuation_site.has_value();
    if (!version->object.continuation_site && targets.enter(*version))
      result["tier"] = to_string(version->object.tier);
  }
  result["code_bytes"] = bytes;
  result["continuations"] = continuations;
  if (parts.tiering)
    result["heat"] = parts.tiering->heat_of(body.id);
  if (body.pinned != PinReason::None)
    result["pinned"] = to_string(body.pinned);
  return result;
}

/// A part of the name, or a pattern with *, ? or [.
Expected<std::function<bool(StringRef)>> filter_of(const std::string &pattern) {
  if (StringRef(pattern).find_first_of("*?[") == StringRef::npos)
    return [pattern](StringRef name) { return name.contains(pattern); };
  auto glob = GlobPattern::create(pattern);
  if (!glob)
    return glob.takeError();
  return [glob = std::move(*glob)](StringRef name) { return glob.match(name); };
}

/// What functions are sorted by before their names.
constexpr Choice<const char *> orders[] = {{"name", nullptr}, {"size", "code_bytes"}, {"heat", "heat"}};

void sort_by(json &functions, const std::string &order) {
  const char *key = meaning_of(order, orders);
  std::sort(functions.begin(), functions.end(), [&](const json &one, const json &other) {
    const std::uint64_t first = key ? one.value(key, std::uint64_t(0)) : 0,
                        second = key ? other.value(key, std::uint64_t(0)) : 0;
    return first != second ? first > second : one["function"] < other["function"];
  });
}

} // namespace

Expected<json> answer_status(const ControlParts &parts, const Call &) {
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  std::uint64_t baseline = 0, optimized = 0, continuations = 0;
  engine.versions().for_each_in_use([&](const Version &version) {
    ++(version.object.continuation_site ? continuations : version.object.tier == Tier::Baseline ? baseline : optimized);
  });
  const std::size_t leaving = engine.versions().retired().size();
  const std::uint32_t functions = engine.targets().bodies().entry_count();
  lock.unlock();
  Lock threads_lock(engine.threads().mutex());
  return json{
      {"pid", ::getpid()},
      {"user", ::getuid()},
      {"up_seconds", since_beginning().count()},
      {"threads", engine.threads().threads().size()},
      {"functions", functions},
      {"versions",
       {{"baseline", baseline}, {"optimized", optimized}, {"continuation", continuations}, {"leaving", leaving}}},
      {"code_bytes", engine.arena().used_bytes(SlabKind::Code)},
      {"policy", !parts.tiering               ? "none"
                 : parts.tiering->is_paused() ? "paused"
                                              : "on"}};
}

Expected<json> answer_functions(const ControlParts &parts, const Call &call) {
  const std::string pattern = text_of(call.request, "pattern"); // a GlobPattern refers to it
  auto matches = filter_of(pattern);
  if (!matches)
    return matches.takeError();
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  const Bodies &bodies = engine.targets().bodies();
  const auto versions = versions_by_body(engine.versions());
  json functions = json::array();
  for (std::uint32_t i = 0; i != bodies.entry_count(); ++i) {
    const FunctionId body = bodies.current(EntryId(i));
    if (body == no_function)
      continue;
    const FunctionInfo &info = engine.program().functions[body];
    if (!(*matches)(info.name))
      continue;
    ArrayRef<const Version *> in_use;
    if (auto found = versions.find(body); found != versions.end())
      in_use = found->second;
    functions.push_back(summary_of(parts, info, in_use));
  }
  lock.unlock();
  sort_by(functions, text_of(call.request, "sort", "name"));
  const std::size_t total = functions.size(), limit = number_of(call.request, "limit").value_or(usual_functions);
  if (total > limit)
    functions.erase(functions.begin() + std::ptrdiff_t(limit), functions.end());
  return json{{"functions", std::move(functions)}, {"total", total}};
}

Expected<json> answer_function(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  auto body = engine.find_body(text_of(call.request, "function"));
  if (!body)
    return body.takeError();
  const VersionStore &versions = engine.versions();
  const CallTargets &targets = engine.targets();
  const FunctionInfo &info = engine.compiler().numbered(*body);
  const EntryId entry = targets.bodies().entry_of(*body);
  std::vector<const Version *> in_use;
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    append_range(in_use, versions.versions_of(*body, tier));
  json result = summary_of(parts, info, in_use);
  json described = json::array();
  for (const Version *version : in_use)
    described.push_back(describe_version(*version, targets));
  for (const auto &retired : versions.retired())
    if (targets.bodies().entry_of(retired->object.function) == entry)
      described.push_back(describe_version(*retired, targets));
  result["versions"] = std::move(described);
  std::set<CodeObjectId> holders;
  for (SiteKey key : versions.inlined_at(*body))
    holders.insert(object_of(key));
  std::set<std::string> names;
  for (const Version *holder : versions.find(std::vector<CodeObjectId>(holders.begin(), holders.end())))
    names.insert(engine.program().functions[holder->object.function].name);
  result["inlined_in"] = names;
  if (const auto held = parts.first_calls.held().find(entry); held != parts.first_calls.held().end())
    result["held"] = to_string(held->second);
  result["guesses"] = failed_guesses(engine, info.name);
  if (const std::string *failure = versions.find_failure({*body, Tier::Optimized, std::nullopt}))
    result["not_optimized"] = *failure;
  return result;
}

Expected<json> answer_stats(const ControlParts &parts, const Call &) {
  const std::optional<Statistics> statistics = parts.statistics();
  if (!statistics)
    return make_error("no statistics: another thread is compiling");
  return json::parse(statistics->to_json(), nullptr, /*allow_exceptions=*/false);
}

} // namespace osr
