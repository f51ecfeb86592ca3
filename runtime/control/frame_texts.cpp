#include "runtime/control/frame_texts.h"

#include "runtime/control/variables.h"
#include "runtime/control/version_text.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Demangle/Demangle.h>
#include <nlohmann/json.hpp>

#include <dlfcn.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

/// Where stacks are shown, continuations are a kind of their own.
json version_of(const CodeObject &code) {
  json version = describe_version(code);
  if (code.continuation_site)
    version["tier"] = "continuation";
  return version;
}

json describe_foreign(const SeenFrame &frame) {
  json result{{"foreign", true}, {"pc", frame.pc}};
  Dl_info info{};
  if (::dladdr(reinterpret_cast<void *>(frame.pc - !frame.is_running), &info) == 0)
    return result;
  if (info.dli_sname)
    result["function"] = demangle(info.dli_sname);
  if (info.dli_fname)
    result["library"] = info.dli_fname;
  return result;
}

json describe_function(const CanonicalProgram &program, FunctionId function) {
  const StringRef name = program.functions[function].name;
  json result{{"function", name.str()}};
  if (name.contains(old_body_mark)) {
    result["function"] = name.split(old_body_mark).first.str();
    result["old_body"] = true;
  }
  return result;
}

} // namespace

json FrameTexts::describe(const SeenFrame &frame, const ThreadSnapshot *thread, const FrameSnapshot *values) {
  if (!is_own(frame))
    return json::array({describe_foreign(frame)});
  const CodeObject &code = *frame.code;
  json activations = json::array();
  SiteRecord record;
  if (frame.is_site)
    record = code.sites.find(code.offset_of(frame.pc)).value_or(SiteRecord());
  for (const FrameRecord &inner : reverse(record.frames)) {
    json &activation = activations.emplace_back(describe_place(inner.site, /*is_in_call=*/true));
    activation["inlined"] = true;
    if (thread && values)
      describe_values(inner, *thread, *values, activation);
  }
  if (activations.empty())
    activations.push_back(describe_function(engine_.program(), code.function));
  json &outermost = activations.back();
  outermost.erase("inlined");
  outermost["version"] = version_of(code);
  if (frame.is_running)
    outermost["running"] = true;
  if (frame.stub_pc)
    describe_waiting(frame, outermost);
  return activations;
}

json FrameTexts::describe_place(SiteId site, bool is_in_call) {
  json activation = describe_function(engine_.program(), site.function);
  if (!is_in_call)
    return activation;
  activation["site"] = site.index;
  activation["calls"] = engine_.program().functions[site.function].sites()[site.index].callee;
  if (const auto line = lines_.find(site)) {
    activation["file"] = line->file;
    activation["line"] = line->line;
  }
  return activation;
}

void FrameTexts::describe_values(const FrameRecord &inlined, const ThreadSnapshot &thread, const FrameSnapshot &values,
                                 json &activation) {
  const auto [source, types] = source_of(inlined.site.function);
  if (!source || inlined.site.index >= source->sites.size())
    return;
  activation["lines"] = describe_lines(source->sites[inlined.site.index]);
  activation["variables"] = describe_variables(engine_, types, *source, inlined, thread, values);
}

void FrameTexts::describe_waiting(const SeenFrame &frame, json &activation) {
  const auto found = engine_.stub_table().find(frame.stub_pc);
  if (!found)
    return;
  json to = json::array();
  for (const CodeObject *code : static_cast<const ReturnStub *>(found->handle)->to)
    to.push_back(version_of(*code));
  activation["waits_for"] = std::move(to);
}

KnownBody FrameTexts::source_of(FunctionId body) {
  if (!redefiner_)
    return {};
  const auto [known, is_new] = known_.try_emplace(body);
  if (!is_new)
    return known->second;
  auto source = redefiner_->source_of_body(body);
  if (!source)
    return consumeError(source.takeError()), KnownBody();
  return known->second = *source;
}

} // namespace osr
