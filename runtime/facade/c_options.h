// What a host in C has chosen.
#pragma once

#include "osr-c/osr.h"
#include "osr/options.h"

namespace osr {

/// Takes the structure of every size that it has had. The error says that this is none.
llvm::Expected<RuntimeOptions> options_from(const osr_options &chosen);

} // namespace osr
