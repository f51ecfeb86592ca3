#include "runtime/control/version_text.h"

#include <nlohmann/json.hpp>

using nlohmann::json;

namespace osr {

json describe_version(const CodeObject &code) {
  json version{{"id", code.id}, {"tier", to_string(code.tier)}, {"state", to_string(code.state())}};
  if (code.continuation_site)
    version["continuation_of_site"] = *code.continuation_site;
  return version;
}

} // namespace osr
