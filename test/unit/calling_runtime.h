// A runtime whose program calls the test.
#pragma once

#include "grow_fixture.h"

#include <functional>

namespace osr {

inline std::function<void()> in_host; ///< what `host` does

/// With `sum` (grow_fixture.h), at the baseline tier.
inline std::unique_ptr<Runtime> calling_runtime(Runtime::Options options = {}) {
  options.tier = Tier::Baseline;
  options.host_symbols = {{"host", reinterpret_cast<std::uint64_t>(+[](std::uint64_t x) {
                             in_host();
                             return x;
                           })}};
  return runtime_with({recursion}, std::move(options));
}

} // namespace osr
