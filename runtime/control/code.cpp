// A function's code in all its forms: sites, records, machine code, IR; and where all code is, for profilers.
#include "compiler/base/error.h"
#include "compiler/base/print.h"
#include "runtime/control/control.h"
#include "runtime/control/perf_map.h"
#include "runtime/control/version_text.h"
#include "runtime/inspect/code_text.h"

#include <llvm/ADT/STLExtras.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

json describe_site(const Site &site, SiteLines &lines) OSR_REQUIRES(engine_lock) {
  json described{
      {"site", site.id.index}, {"calls", site.callee}, {"result", site.result_type}, {"result_used", site.result_used}};
  if (!site.is_replaceable())
    described["refused"] = osr::to_string(site.refusal);
  if (const auto line = lines.find(site.id)) {
    described["file"] = line->file;
    described["line"] = line->line;
  }
  json values = json::array();
  for (const FrameStateValue &value : site.state)
    values.push_back({{"name", value.name}, {"type", value.type}, {"bytes", value.size}});
  described["values"] = std::move(values);
  return described;
}

/// Versions of a function that there are, also those that are being left, or the one that was asked for.
Expected<std::vector<const Version *>> versions_of(Engine &engine, FunctionId body, const Call &call)
    OSR_REQUIRES(engine_lock) {
  const auto wanted = number_of(call.request, "version");
  const Bodies &bodies = engine.targets().bodies();
  std::vector<const Version *> found;
  for (Tier tier : {Tier::Baseline, Tier::Optimized})
    append_range(found, engine.versions().versions_of(body, tier));
  for (const auto &retired : engine.versions().retired())
    if (bodies.entry_of(retired->object.function) == bodies.entry_of(body) &&
        retired->object.state() != CodeState::Freed)
      found.push_back(&*retired);
  if (wanted)
    erase_if(found, [&](const Version *version) { return version->object.id != *wanted; });
  if (found.empty() && wanted)
    return make_error("'{}' has no version {}; 'function' lists them", text_of(call.request, "function"), *wanted);
  return found;
}

Expected<json> answer_versions(const ControlParts &parts, const Call &call, CodeParts what) {
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  auto body = engine.find_body(text_of(call.request, "function"));
  if (!body)
    return body.takeError();
  auto versions = versions_of(engine, *body, call);
  if (!versions)
    return versions.takeError();
  json described = json::array();
  for (const Version *version : *versions) {
    auto text = text_of(engine, version->object, what);
    if (!text)
      return text.takeError();
    json &told = described.emplace_back(describe_version(version->object));
    told["address"] = version->object.code_begin;
    told["text"] = std::move(*text);
  }
  return json{{"function", engine.program().functions[*body].name}, {"versions", std::move(described)}};
}

} // namespace

Expected<json> answer_sites(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  Lock lock(engine.mutex(), after_waiting);
  auto body = engine.find_body(text_of(call.request, "function"));
  if (!body)
    return body.takeError();
  const FunctionInfo &info = engine.compiler().numbered(*body);
  SiteLines lines(engine);
  json sites = json::array();
  for (const Site &site : info.sites())
    sites.push_back(describe_site(site, lines));
  json result{{"function", info.name}, {"text", text_of(info)}, {"sites", std::move(sites)}};
  if (info.pinned != PinReason::None)
    result["pinned"] = to_string(info.pinned);
  return result;
}

Expected<json> answer_records(const ControlParts &parts, const Call &call) {
  return answer_versions(parts, call, CodeParts::Records);
}

Expected<json> answer_disassemble(const ControlParts &parts, const Call &call) {
  return answer_versions(parts, call, CodeParts::All);
}

/// Makes the IR as if the version were compiled now.
Expected<json> answer_ir(const ControlParts &parts, const Call &call) {
  Engine &engine = parts.engine;
  const std::string stage = text_of(call.request, "stage", "canonical");
  Lock lock(engine.mutex(), after_waiting);
  auto body = engine.find_body(text_of(call.request, "function"));
  if (!body)
    return body.takeError();
  json result{{"function", engine.program().functions[*body].name}, {"stage", stage}};
  if (stage == "canonical") {
    result["ir"] = print(engine.compiler().code_of(*body));
    return result;
  }
  auto ir = engine.compiler().print_ir({*body, tier_from(stage), std::nullopt});
  if (!ir)
    return ir.takeError();
  result["ir"] = std::move(*ir);
  return result;
}

Expected<json> answer_perf_map(const ControlParts &parts, const Call &) {
  Lock lock(parts.engine.mutex(), after_waiting);
  const PerfMap map = list_code(parts.engine);
  lock.unlock();
  auto path = write_perf_map(map.text);
  if (!path)
    return path.takeError();
  return json{{"file", *path}, {"versions", map.versions}};
}

Expected<json> answer_debug_info(const ControlParts &parts, const Call &) {
  auto versions = parts.debugger_variables.provide();
  if (!versions)
    return versions.takeError();
  return json{{"versions", *versions}};
}

} // namespace osr
