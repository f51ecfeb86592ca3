#include "runtime/guards/guard_exits.h"

#include "compiler/base/error.h"
#include "compiler/canonical/exit_calls.h"
#include "compiler/sites/profile_points.h"
#include "compiler/tiers/assumptions.h"
#include "osr-stubs/cancellation.h"
#include "osr-stubs/frame_words.h"

#include <atomic>

using namespace llvm;

namespace osr {
namespace {

std::atomic<GuardHandler *> guard_handler = nullptr; ///< the same for all runtimes

extern "C" void osr_guard_failed(std::uint32_t reason) {
  const int before = defer_cancellation();
  guard_handler.load(std::memory_order_relaxed)(return_pc_slot_of(__builtin_frame_address(0)), reason);
  cancel_as_before(before);
}

extern "C" void osr_profile_target(ProfilePoint *point, std::uint64_t target) { count_new_target(*point, target); }

} // namespace

std::vector<AbsoluteSymbol> profile_symbols() {
  return {{count_target_callee, reinterpret_cast<std::uint64_t>(&osr_profile_target)}};
}

void answer_failed_guards(GuardHandler *handler) { guard_handler = handler; }

std::vector<AbsoluteSymbol> guard_exit_symbols() {
  return {{guard_failed_callee, reinterpret_cast<std::uint64_t>(&osr_guard_failed)}};
}

std::optional<SiteId> GuardExits::count(SiteId guard, std::uint32_t reason) {
  const FunctionInfo &function = stubs_.program().functions[guard.function];
  events_.exited(guard, osr::to_string(ExitReason(reason)));
  ++statistics_.guards.failed;
  statistics_.speculation.failed +=
      reason == std::uint32_t(ExitReason::Branch) || reason == std::uint32_t(ExitReason::Target);
  ++statistics_.guards
        .exits[function.name + "#" + std::to_string(guard.index) + ": " + osr::to_string(ExitReason(reason))];
  return ++failures_[guard] >= most_failures_ ? std::optional(guard) : std::nullopt;
}

Expected<std::optional<SiteId>> GuardExits::leave(std::uint64_t return_pc_slot, std::uint32_t reason) {
  const std::uint64_t return_pc = *reinterpret_cast<std::uint64_t *>(return_pc_slot);
  if (table_.original_pc(return_pc))
    return std::nullopt; // a request was faster
  ReturnSite site = registry_.find_return_site(return_pc);
  if (!site) {
    const CodeObject *code = registry_.find(return_pc - 1);
    if (code && code->tier == Tier::Optimized)
      return make_error("this guard has no record");
    return std::nullopt; // baseline code of a function that cannot be replaced
  }
  if (site.object->tier == Tier::Baseline)
    return std::nullopt; // it goes on there
  Frame frame;
  frame.pc = return_pc;
  frame.return_pc_slot = return_pc_slot;
  frame.sp = return_pc_slot + word_size;
  frame.is_site = true;
  if (!redirector_.stub_of(frame)) {
    auto stub = stubs_.find_or_make(*site.object, return_pc, Landing::InPlace);
    if (!stub)
      return stub.takeError();
    redirector_.reserve(1);
    stubs_.note_cause((*stub)->entry_pc);
    if (Error error =
            redirector_.alone([&]() OSR_REQUIRES(engine_lock) { redirector_.redirect(frame, (*stub)->entry_pc); }))
      return error;
    ++statistics_.frames_rewritten;
  }
  return count(site.site.record().frames.back().site, reason);
}

std::vector<const Version *> versions_with_exit(const VersionStore &versions, SiteId guard) {
  std::vector<const Version *> found;
  versions.for_each_in_use([&](const Version &version) {
    bool leaves = false;
    if (version.object.tier == Tier::Optimized)
      version.object.sites.for_each([&](const SiteRecord &record) { leaves |= record.frames.back().site == guard; });
    if (leaves)
      found.push_back(&version);
  });
  return found;
}

} // namespace osr
