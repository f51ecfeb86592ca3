// Activations that a request could not take along, and that leave their old code later.
//
// An exception that arrives in a frame which waits to become several frames, or a continuation, lands in the old code.
// An activation that executed in the code itself through all stops of a request stays there, too. Both come to a site
// sooner or later: the request is made again then, for what is left of its code.
#pragma once

#include "runtime/requests/requests.h"

#include <atomic>
#include <vector>

namespace osr {

class FollowUps {
public:
  /// What became of a request that is not made again by whoever made it.
  void remember(const Replacement &what, const RequestOutcome &outcome) OSR_REQUIRES(engine_lock);
  /// A newer request decides about this code: older ones do not any more.
  void forget(const Replacement &newer) OSR_REQUIRES(engine_lock);

  /// An exception has landed in old code that its frame was about to leave. Lock-free, in any thread of the program.
  void on_landing() { has_landed_.store(true, std::memory_order_release); }

  /// Some activation may have come to a site.
  bool are_due() const OSR_REQUIRES(engine_lock);
  /// Makes the requests that are due once more, through `replace`, which returns what became of it.
  using Replace = llvm::function_ref<llvm::Expected<RequestOutcome>(const Replacement &what)>;
  void follow(const VersionStore &versions, Replace replace) OSR_REQUIRES(engine_lock);

private:
  struct FollowUp {
    Landing landing;
    bool only_mapped;
    std::vector<CodeObjectId> objects; ///< by number: some may have been freed
    std::vector<SiteKey> sites;
    unsigned left; ///< attempts; 0: not until an exception lands
  };

  std::vector<FollowUp> requests_ OSR_GUARDED_BY(engine_lock);
  std::atomic<bool> has_landed_ = false;
};

} // namespace osr
