// What variables of the program look like to a client.
#pragma once

#include "runtime/inspect/source_tables.h"
#include "runtime/inspect/stack_snapshot.h"

#include <nlohmann/json_fwd.hpp>

namespace osr {

/// Where a site is in the source, as a front end inlined it: the innermost first.
nlohmann::json describe_lines(const SourceSite &site);

/// The variables in scope at a site, in the activation `inlined` of a frame; `types` are those that `source` speaks of.
nlohmann::json describe_variables(Engine &engine, llvm::ArrayRef<SourceType> types, const FunctionSource &source,
                                  const FrameRecord &inlined, const ThreadSnapshot &thread, const FrameSnapshot &frame)
    OSR_REQUIRES(engine_lock);

} // namespace osr
