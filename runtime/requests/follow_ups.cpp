#include "runtime/requests/follow_ups.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_attempts = 100; ///< then the activation is somewhere where it may stay for ever

/// A frame that waits for its transition already may be the one that the unwinder is about to land in.
bool may_leave_any(const RequestOutcome &outcome) {
  return outcome.running != 0 || outcome.already != 0 || outcome.refusal_kinds.contains(RefusalKind::NoRecord);
}

} // namespace

void FollowUps::remember(const Replacement &what, const RequestOutcome &outcome) {
  if (what.effort.budget || (outcome.may_land_in_old == 0 && outcome.running == 0))
    return;
  FollowUp &request = requests_.emplace_back();
  request.landing = what.landing;
  request.only_mapped = what.only_mapped;
  for (const CodeObject *object : what.objects)
    request.objects.push_back(object->id);
  request.sites = what.sites;
  request.left = outcome.running ? most_attempts : 0;
}

void FollowUps::forget(const Replacement &newer) {
  for (FollowUp &request : requests_) {
    for (const auto *objects : {&newer.objects, &newer.stays})
      for (const CodeObject *object : *objects)
        erase(request.objects, object->id);
    for (const auto *sites : {&newer.sites, &newer.sites_that_stay})
      for (SiteKey site : *sites)
        erase(request.sites, site);
  }
  erase_if(requests_, [](const FollowUp &request) { return request.objects.empty() && request.sites.empty(); });
}

bool FollowUps::are_due() const {
  return has_landed_.load(std::memory_order_acquire) ||
         any_of(requests_, [](const FollowUp &request) { return request.left != 0; });
}

void FollowUps::follow(const VersionStore &versions, Replace replace) {
  if (has_landed_.exchange(false, std::memory_order_acq_rel))
    for (FollowUp &request : requests_)
      request.left = most_attempts;
  for (FollowUp &request : requests_) {
    if (request.left == 0)
      continue;
    --request.left;
    Replacement what;
    what.landing = request.landing;
    what.only_mapped = request.only_mapped;
    for (const Version *version : versions.find(request.objects))
      what.objects.push_back(&version->object);
    what.sites = request.sites;
    auto outcome = replace(what);
    if (!outcome)
      consumeError(outcome.takeError()); // the next attempt may be luckier
    else if (!may_leave_any(*outcome))
      request.left = 0;
  }
  erase_if(requests_, [&](const FollowUp &request) OSR_REQUIRES(engine_lock) {
    std::vector<CodeObjectId> objects = request.objects;
    append_range(objects, map_range(request.sites, object_of));
    return versions.find(objects).empty();
  });
}

} // namespace osr
