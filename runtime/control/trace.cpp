// A timeline of what happens from now on, into a file.
#include "runtime/events/trace.h"

#include "compiler/base/error.h"
#include "runtime/control/control.h"

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

/// What is sent by stubs that were made before would not be listed.
void let_stubs_be_made_anew(const ControlParts &parts) {
  {
    Lock lock(parts.engine.mutex(), after_waiting);
    parts.engine.versions().for_each_in_use([&](const Version &version) OSR_REQUIRES(engine_lock) {
      parts.engine.stubs().retire_stubs_to(version.object);
    });
  }
  parts.replacer.reclaim_soon();
}

} // namespace

Expected<json> answer_trace(const ControlParts &parts, const Call &call) {
  const std::string file = text_of(call.request, "file");
  if (text_of(call.request, "action") == "stop") {
    if (!file.empty())
      return make_error("'trace stop' needs no file");
    if (!Trace::stop())
      return make_error("no trace is being written");
    return json::object();
  }
  if (!StringRef(file).starts_with("/"))
    return make_error("'trace start' needs a 'file' by its whole path, as '/tmp/trace.json'");
  if (Error error = Trace::start(file, parts.program, Trace::OldFile::Refused))
    return error;
  if (parts.replacer.is_started())
    let_stubs_be_made_anew(parts);
  return json{{"file", file}};
}

} // namespace osr
