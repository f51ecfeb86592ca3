// The part of the runtime that optimised code enters and leaves in the middle of a function on its own account: failed
// guards, and an embedder's interpreter that goes on in compiled code.
#include "compiler/base/error.h"
#include "compiler/canonical/objects.h"
#include "compiler/tiers/continuation.h"
#include "osr-stubs/result_area.h"
#include "runtime/events/cause.h"
#include "runtime/facade/runtime.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"
#include "runtime/tiering/tier_up.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Alignment.h>

#include <cstring>

using namespace llvm;

namespace osr {
namespace {

/// What an activation at the site would have left in the state buffer.
void fill_buffer(char *buffer, const Site &site, ArrayRef<EnteredValue> state, std::uint64_t result) {
  const StateBufferLayout layout = state_buffer_layout(site);
  for (auto [value, offset] : zip(state, layout.offsets))
    std::memcpy(buffer + offset, value.data(), value.size());
  char *area = buffer + layout.result_area_offset;
  if (site.result.general)
    std::memcpy(area + OSR_RESULT_RAX, &result, sizeof(result));
  if (site.result.vector_bytes)
    std::memcpy(area + OSR_RESULT_VECTOR, &result, sizeof(result));
}

/// Patched sites would send activations to such code again and again.
void release_sites_to(ArrayRef<const Version *> versions, FrameRedirector &redirector, const StubTable &stubs) {
  if (versions.empty() || !redirector.concerns_sites())
    return;
  Error error = redirector.alone([&] {
    redirector.release([&](std::uint64_t, std::uint64_t stub_pc) {
      const auto &stub = *static_cast<const ReturnStub *>(stubs.find(stub_pc)->handle);
      return stub.may_be_released() &&
             any_of(versions, [&](const Version *version) { return stub.leads_to(version->object); });
    });
  });
  consumeError(std::move(error)); // then they do that, and leave again as often
}

} // namespace

void Runtime::set_up_speculation() {
  statistics_.speculation.is_on = compiler_->speculates();
  compiler_->find_functions_by([this](std::uint64_t address) -> std::optional<FunctionId> {
    const std::optional<FunctionId> entry = entries_->find_entry(address);
    return entry ? std::optional(bodies_.current(*entry)) : std::nullopt;
  });
}

void Runtime::on_guard_failed(std::uint64_t return_pc_slot, std::uint32_t reason) {
  Undisturbed undisturbed;
  on_work_stack([=] { running_->leave_at_guard(return_pc_slot, reason); });
}

void Runtime::leave_at_guard(std::uint64_t return_pc_slot, std::uint32_t reason) {
  Because because(Cause::Guard);
  std::unique_lock lock(mutex_);
  auto failed = guard_exits_->leave(return_pc_slot, reason);
  if (!failed) { // the code that it could go on in does not exist
    std::fprintf(stderr, "osr: a guard failed and its activation cannot leave: %s\n",
                 toString(failed.takeError()).c_str());
    std::_Exit(1);
  }
  if (!*failed)
    return;
  const bool is_left = drop_assumption(**failed);
  lock.unlock();
  if (is_left && reclaim_loop_)
    reclaim_loop_->notify();
}

/// Code that rests on it is entered no more; the next calls compile anew. Activations in it may stay: they leave if the
/// guard fails again. What was counted is not what happens now: under a policy, baseline code counts once more first.
/// True if there is something to be freed.
bool Runtime::drop_assumption(SiteId guard) {
  statistics_.guards.dropped += compiler_->drop_assumption(guard); // or this was an activation of older code
  const std::vector<const Version *> invalid = versions_with_exit(*versions_, guard);
  if (!invalid.empty())
    compiler_->count_anew(guard.function);
  for (const Version *version : invalid) {
    const FunctionId entry = bodies_.entry_of(version->object.function);
    if (entry_code_[entry].load() == version->object.entry_pc)
      set_code_for_calls(entry, 0);
    if (tier_up_)
      tier_up_->notice_anew(program().functions[version->object.function]);
    reclaimer_->retire(*version);
    ++statistics_.guards.invalidated;
  }
  release_sites_to(invalid, *redirector_, *stub_table_);
  return !invalid.empty();
}

/// Whether an activation that somebody else has begun can go on behind this site.
Expected<const Site *> Runtime::enterable_site(FunctionId body, std::uint32_t index,
                                               ArrayRef<EnteredValue> state) const {
  const FunctionInfo &info = program().functions[body];
  auto site = find_site(info, index);
  if (!site)
    return site.takeError();
  auto refuse = [&](const std::string &why) {
    return make_error("'{}' cannot be entered at site {}: {}", info.name, index, why);
  };
  if (!requests_ || !ThreadRegistry::current())
    return refuse("this is no thread of a running program");
  if (compiler_->has_objects(body))
    return refuse("it has local objects in memory, and only its own beginning makes them");
  if (!compiler_->returns_in_word(body))
    return refuse("its result does not fit into a general register; return it through memory");
  if ((*site)->result_used && ((*site)->result.x87 != 0 || (*site)->result.vector_bytes > 16))
    return refuse("the result of the call there is an 80-bit number or a wide vector");
  if (state.size() != (*site)->state.size())
    return refuse(fmt::format("{} values are given, its frame state has {}", state.size(), (*site)->state.size()));
  for (auto [value, described] : zip(state, (*site)->state))
    if (value.size() != described.size)
      return refuse(fmt::format("{} bytes are given for '{}', which has the type {} and {} bytes", value.size(),
                                described.name, described.type, described.size));
  return *site;
}

/// The continuation, which nobody frees before it has been left again.
Expected<std::uint64_t> Runtime::enter_at(StringRef function, std::uint32_t site, ArrayRef<EnteredValue> state,
                                          std::uint64_t result) {
  const Version *version = nullptr;
  char *const top = osr_object_stack_top;
  char *buffer = nullptr;
  {
    Undisturbed undisturbed;
    Because because(Cause::Interpreter);
    std::lock_guard lock(mutex_);
    auto body = find_body(function);
    if (!body)
      return body.takeError();
    auto described = enterable_site(*body, site, state);
    if (!described)
      return described.takeError();
    auto compiled = versions_->find_or_compile({*body, Tier::Optimized, site});
    if (!compiled)
      return compiled.takeError();
    version = *compiled;
    ++version->entering;
    buffer = reinterpret_cast<char *>(alignDown(std::uint64_t(top), object_frame_align)) -
             state_buffer_layout(**described).size;
    osr_object_stack_top = buffer; // first: a signal handler may use what lies below
    fill_buffer(buffer, **described, state, result);
  }
  const std::uint64_t returned =
      osr::enter(*ThreadRegistry::current(), version->object.entry_pc, reinterpret_cast<std::uint64_t>(buffer));
  osr_object_stack_top = top;
  --version->entering;
  return returned;
}

} // namespace osr
