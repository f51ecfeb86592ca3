// The options that a host has given become those that a runtime is made with.
#pragma once

#include "osr/options.h"

namespace osr {

/// With what the environment says, and checked. The processor is spelled out: it is not "native" any more.
llvm::Expected<RuntimeOptions> complete(RuntimeOptions options);

/// Each has a name and an address, and none is there twice.
llvm::Error check_host_symbols(llvm::ArrayRef<HostSymbol> symbols);

} // namespace osr
