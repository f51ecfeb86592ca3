// The options that a host has given become those that a runtime is made with.
#pragma once

#include "osr/options.h"

namespace osr {

/// With what the environment says, and checked. The processor is spelled out: it is not "native" any more.
llvm::Expected<RuntimeOptions> complete(RuntimeOptions options);

} // namespace osr
