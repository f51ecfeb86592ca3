// A module's functions have no bodies any more.
#include "runtime/events/cause.h"
#include "runtime/redefine/redefiner.h"
#include "runtime/threads/undisturbed.h"

using namespace llvm;

namespace osr {
namespace {

/// In an order that is the same in each run.
struct Older {
  bool operator()(const Version *a, const Version *b) const { return a->object.id < b->object.id; }
};

} // namespace

/// Its activations end in the old code. Those of code that it was inlined into go on in baseline code, which calls it no more.
void Redefiner::remove(Engine::Added module) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  Because because(Cause::Redefinition);
  const Bodies &bodies = engine_.targets().bodies();
  std::set<const Version *, Older> own, dependent;
  for (EntryId entry : module.entries)
    for (Tier tier : {Tier::Baseline, Tier::Optimized})
      for (const Version *version : engine_.versions().versions_of(bodies.current(entry), tier))
        own.insert(version);
  for (EntryId entry : module.entries)
    for (const Version *version : versions_that_rest_on(bodies.current(entry)))
      dependent.insert(version);
  for (const Version *version : own)
    dependent.erase(version);
  const std::vector<const Version *> invalid(dependent.begin(), dependent.end());
  for (EntryId entry : module.entries) {
    engine_.events().removed(engine_.name_of(entry));
    forget_all(entry);
    engine_.withdraw(entry);
    redirect_calls(entry, invalid);
  }
  if (auto moved = deoptimize(invalid); !moved)
    consumeError(moved.takeError()); // they end where they are
  for (const auto &versions : {dependent, own})
    for (const Version *version : versions) {
      replacer_.reclaimer().retire(*version);
      module.code.push_back(version->object.id);
    }
  replacer_.reclaimer().free_when_unused(std::move(module));
  const bool is_left = replacer_.reclaimer().scan();
  lock.unlock();
  if (is_left)
    replacer_.reclaim_soon();
}

} // namespace osr
