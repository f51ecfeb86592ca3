// Who knows what the source says about sites, for debuggers.
#pragma once

#include "compiler/base/engine_lock.h"
#include "runtime/code/code_object.h"
#include "runtime/code/debug_sites.h"

#include <optional>

namespace osr {

class SiteDescriber {
public:
  virtual ~SiteDescriber() = default;

  /// All sites of it; nothing: the source says nothing of its function. Its bytes may have been freed.
  virtual std::optional<DebugSites> describe(const CodeObject &code) OSR_REQUIRES(engine_lock) = 0;
  /// The site of `code` with that return PC, in frames that have `seen` in its place.
  virtual std::optional<DebugSites> describe(const CodeObject &code, std::uint64_t return_pc, std::uint64_t seen)
      OSR_REQUIRES(engine_lock) = 0;
};

} // namespace osr
