// What every answer says of a version that it mentions.
#pragma once

#include "runtime/code/code_object.h"

#include <nlohmann/json_fwd.hpp>

namespace osr {

/// Its number, tier and state; of a continuation also where it begins.
nlohmann::json describe_version(const CodeObject &code);

} // namespace osr
