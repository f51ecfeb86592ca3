#include "runtime/guards/guards.h"

#include "runtime/events/cause.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"

#include <llvm/ADT/STLExtras.h>

#include <set>

using namespace llvm;

namespace osr {
namespace {

constexpr std::uint64_t cycle = 3; ///< times that code of one function has to go out of use to be spoken of

/// Patched sites would send activations to such code again and again.
void release_sites_to(ArrayRef<const Version *> versions, FrameRedirector &redirector, const StubTable &stubs)
    OSR_REQUIRES(engine_lock) {
  if (versions.empty() || !redirector.concerns_sites())
    return;
  Error error = redirector.alone([&]() OSR_REQUIRES(engine_lock) {
    redirector.release([&](std::uint64_t, std::uint64_t stub_pc) {
      const auto &stub = *static_cast<const ReturnStub *>(stubs.find(stub_pc)->handle);
      return stub.may_be_released() &&
             any_of(versions, [&](const Version *version) { return stub.leads_to(version->object); });
    });
  });
  consumeError(std::move(error)); // then they do that, and leave again as often
}

} // namespace

Guards::Guards(Engine &engine, Replacer &replacer, Tiering *tiering, std::uint64_t most_failures,
               CannotGoOn cannot_go_on)
    : engine_(engine), replacer_(replacer), tiering_(tiering), exits_(engine, most_failures),
      cannot_go_on_(std::move(cannot_go_on)) {
  engine.statistics().speculation.is_on = engine.compiler().speculates();
  engine.compiler().find_functions_by(
      [&engine](std::uint64_t address) OSR_REQUIRES(engine_lock) -> std::optional<FunctionId> {
        const std::optional<EntryId> entry = engine.entries().find_entry(address);
        const FunctionId body = entry ? engine.targets().bodies().current(*entry) : no_function;
        return body != no_function ? std::optional(body) : std::nullopt; // its module was removed
      });
}

void Guards::on_failure(std::uint64_t return_pc_slot, std::uint32_t reason) {
  bool is_dead_end = false;
  {
    Undisturbed undisturbed;
    on_work_stack([&] {
      if (Error error = leave(return_pc_slot, reason)) {
        note_dead_end("a guard failed and its activation cannot leave: " + toString(std::move(error)));
        is_dead_end = true;
      }
    });
  }
  if (is_dead_end)
    end_here(cannot_go_on_);
}

/// The error says that the code that it could go on in does not exist.
Error Guards::leave(std::uint64_t return_pc_slot, std::uint32_t reason) {
  Because because(Cause::Guard);
  Lock lock(engine_.mutex());
  auto failed = exits_.leave(return_pc_slot, reason);
  if (!failed)
    return failed.takeError();
  const bool is_left = *failed && drop_assumption(**failed);
  lock.unlock();
  if (is_left)
    replacer_.reclaim_soon();
  return Error::success();
}

/// Code that rests on it is entered no more; the next calls compile anew. Activations in it may stay: they leave if the
/// guard fails again. What was counted is not what happens now: under a policy, baseline code counts once more first.
/// True if there is something to be freed.
bool Guards::drop_assumption(SiteId guard) {
  Statistics::Guards &counts = engine_.statistics().guards;
  if (engine_.compiler().drop_assumption(guard)) { // or this was an activation of older code
    ++counts.dropped;
    engine_.events().dropped(guard);
  }
  const std::vector<const Version *> invalid = versions_with_exit(engine_.versions(), guard);
  if (!invalid.empty())
    engine_.compiler().count_anew(guard.function);
  CallTargets &targets = engine_.targets();
  std::set<FunctionId> failed;
  for (const Version *version : invalid) {
    failed.insert(version->object.function);
    if (targets.enter(*version))
      targets.set(targets.bodies().entry_of(version->object.function), 0);
    if (tiering_)
      tiering_->notice_anew(version->object.function);
    replacer_.reclaimer().retire(*version);
    ++counts.invalidated;
  }
  for (FunctionId body : failed)
    if (const std::uint64_t times = engine_.effort().failed(body); times >= cycle)
      engine_.events().failed_again(body, times);
  targets.bind_if_alone(engine_.handshake()); // else direct calls follow in the stop that looks for what can be freed
  release_sites_to(invalid, engine_.redirector(), engine_.stub_table());
  return !invalid.empty();
}

} // namespace osr
