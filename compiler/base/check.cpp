#include "compiler/base/check.h"

#include "compiler/base/message.h"

#include <fmt/format.h>

#include <cstdlib>

namespace osr {

void check_failed(const char *file, int line, const char *condition, const std::string &message) {
  say(fmt::format("{}:{}: check failed: {}: {}", file, line, condition, message));
  std::abort();
}

} // namespace osr
