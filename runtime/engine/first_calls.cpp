#include "runtime/engine/first_calls.h"

#include "compiler/base/error_code.h"
#include "runtime/events/cause.h"
#include "runtime/threads/undisturbed.h"
#include "runtime/threads/work_stack.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {

Expected<std::unique_ptr<FirstCalls>> FirstCalls::create(Engine &engine, Tier tier,
                                                         std::vector<std::string> optimize_only, OnFailure on_failure,
                                                         CannotGoOn cannot_go_on) {
  std::unique_ptr<FirstCalls> calls(new FirstCalls(engine, tier, std::move(on_failure), std::move(cannot_go_on)));
  const bool is_whole = !engine.program().functions.empty();
  for (const std::string &name : optimize_only)
    if (is_whole && !engine.program().find_function(name))
      return make_error(ErrorCode::Unknown, "there is no function '{}' to optimise", name);
  calls->optimize_only_ = std::move(optimize_only);
  return calls;
}

bool FirstCalls::may_be_optimized(FunctionId body) const {
  return optimize_only_.empty() || is_contained(optimize_only_, engine_.program().functions[body].name);
}

void FirstCalls::hold(EntryId entry, std::optional<Tier> tier) {
  if (tier)
    held_[entry] = *tier;
  else
    held_.erase(entry);
}

std::uint64_t FirstCalls::code_for(EntryId entry, EntryFrame *frame) {
  const CallTargets &targets = engine_.targets();
  auto choose = [&](std::uint64_t pc) {
    if (frame)
      std::atomic_ref(frame->target).store(pc, std::memory_order_seq_cst);
    return pc;
  };
  while (std::uint64_t known = targets.of(entry))
    if (choose(known) == targets.of(entry))
      return known;
  std::uint64_t pc = 0;
  Undisturbed undisturbed;
  on_work_stack([&] {
    Because because(Cause::Call);
    Lock lock(engine_.mutex());
    auto code = code_for_locked(entry);
    pc = choose(code ? *code : code_instead(entry, code.takeError()));
  });
  return pc;
}

Error FirstCalls::prepare(EntryId entry) {
  Undisturbed undisturbed;
  Because because(Cause::Call);
  Lock lock(engine_.mutex(), after_waiting);
  return code_for_locked(entry).takeError();
}

/// The program cannot go on without this function, unless the host knows how.
std::uint64_t FirstCalls::code_instead(EntryId entry, Error error) const {
  const std::string name = engine_.name_of(entry);
  std::string reason = toString(std::move(error));
  if (std::uint64_t instead = on_failure_ ? on_failure_(name, reason) : 0)
    return instead;
  note_dead_end(std::move(reason));
  return end_at_call(cannot_go_on_);
}

Expected<std::uint64_t> FirstCalls::code_for_locked(EntryId entry) {
  CallTargets &targets = engine_.targets();
  if (std::uint64_t known = targets.of(entry))
    return known; // another thread was faster
  auto version = compile(entry);
  if (!version)
    return version.takeError();
  targets.set(entry, (*version)->object.entry_pc);
  targets.bind_if_alone(engine_.handshake());
  return (*version)->object.entry_pc;
}

Expected<const Version *> FirstCalls::compile(EntryId entry) {
  const FunctionId body = engine_.targets().bodies().current(entry);
  if (body == no_function)
    return make_error(ErrorCode::Unknown, "'{}' was removed", engine_.name_of(entry));
  const auto held = held_.find(entry);
  const Tier tier = held != held_.end() ? held->second : may_be_optimized(body) ? tier_ : Tier::Baseline;
  auto version = engine_.maker().find_or_compile({body, tier, std::nullopt});
  if (version || tier == Tier::Baseline)
    return version;
  ++engine_.statistics().functions_not_optimized[toString(version.takeError())];
  return engine_.maker().find_or_compile({body, Tier::Baseline, std::nullopt});
}

void FirstCalls::compile_all() {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex());
  const std::uint32_t count = engine_.targets().bodies().entry_count();
  lock.unlock();
  for (std::uint32_t i = 0; i != count; ++i)
    code_for(EntryId(i));
}

} // namespace osr
