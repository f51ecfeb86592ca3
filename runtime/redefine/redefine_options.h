// What a caller of Runtime::redefine may choose, and what became of it.
#pragma once

#include "runtime/engine/site_map.h"
#include "runtime/requests/replace_options.h"
#include "runtime/requests/requests.h"

namespace osr {

struct RedefineOptions {
  /// Activations of the old body that stand at these sites go on in the new one; all others end in the old one.
  SiteMap site_map;
  /// The new body has the sites of the old one, with the same values in the same order: all activations go on in it.
  /// That is so for two bodies made of the same IR by redefine(). `site_map` is not used then.
  bool same_sites = false;
  Tier to = Tier::Optimized; ///< of the new body, for activations that go on in it
};

struct RedefineOutcome {
  ReplaceOutcome dependents; ///< activations of code that rested on the old body: they go on in baseline code
  ReplaceOutcome old_body;   ///< activations of the old body that the site map is for
  std::uint64_t invalidated = 0; ///< versions that rested on the old body and are out of use now
};

} // namespace osr
