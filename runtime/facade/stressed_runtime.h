// A runtime as the stress modes see it.
#pragma once

#include "runtime/stress/stress_target.h"

namespace osr {

class Runtime;

/// For as long as the runtime lives.
std::unique_ptr<StressTarget> make_stress_target(Runtime &runtime);

} // namespace osr
