// Programs that suspend the fiber that they run on.
#pragma once

#include "grow_fixture.h"
#include "osr/fiber.h"

namespace osr {

inline Runtime::Options options_with(Tier tier) {
  Runtime::Options options;
  options.tier = tier;
  options.host_symbols = {{"yield", reinterpret_cast<std::uint64_t>(+[] { llvm::cantFail(Fiber::suspend()); })}};
  return options;
}

} // namespace osr
