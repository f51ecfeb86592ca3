// Requests that let the activations of the old code end in it, and end themselves when none is left.
#include "compiler/base/error_code.h"
#include "runtime/engine/look_at_stacks.h"
#include "runtime/events/trace_events.h"
#include "runtime/requests/replacer.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

#include <thread>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::microseconds first_wait(200), longest_wait(20'000); ///< between looks at the stacks

} // namespace

struct Replacer::Waiting {
  EntryId entry{};
  FunctionId body = 0;
  std::string name;
  bool has_begun = false;
  std::vector<CodeObjectId> ids; ///< of the old code; other requests may free some of it meanwhile
  std::uint64_t calls_before = 0;
  ReplaceOutcome outcome;
  std::optional<TracedRequest> traced;
};

/// Whoever waits for an activation that is on its own stack waits for ever.
Error Replacer::refuse_below_own(FunctionId body, ArrayRef<const Version *> old) {
  bool is_here = false;
  auto look = [&](const ProgramThread &thread, RulesFinder &rules) {
    if (thread.is_suspended || thread.tid != gettid())
      return StackLook{};
    const WalkStatus status = walk_stopped_while(thread, rules, [&](const Frame &frame) {
      is_here |= any_of(old, [&](const Version *version) { return frame.code == &version->object; });
      return !is_here;
    });
    return StackLook{status, true};
  };
  auto unwalked = look_at_stacks(engine_, [&] { is_here = false; }, look, [] {});
  if (!unwalked)
    return not_replaced(body, unwalked.takeError());
  return is_here ? not_replaced(body, make_error(ErrorCode::WrongState, "the thread that would wait is in it"))
                 : Error::success();
}

Error Replacer::begin_waiting(Waiting &waiting, const ReplaceOptions &options) {
  if (reclaimer_->makes_stacks())
    return not_replaced(waiting.body,
                        make_error("nobody can wait for activations on stacks that the program makes itself"));
  const std::vector<const Version *> old = replaced_by(waiting.body, options);
  if (Error error = refuse_below_own(waiting.body, old))
    return error;
  auto version = prepare(waiting.body, options);
  if (!version)
    return not_replaced(waiting.body, version.takeError());
  for (const Version *replaced : old)
    waiting.ids.push_back(replaced->object.id);
  CallTargets &targets = engine_.targets();
  waiting.calls_before = targets.of(waiting.entry);
  if (options.redirect_calls)
    targets.set(waiting.entry, (*version)->object.entry_pc);
  if (Error error = targets.bind(engine_.handshake())) {
    targets.set(waiting.entry, waiting.calls_before);
    return not_replaced(waiting.body, std::move(error));
  }
  waiting.has_begun = true;
  return Error::success();
}

/// Calls go where they went, if that is still there.
Error Replacer::give_up(Waiting &waiting, ArrayRef<const Version *> old) {
  const bool is_left = any_of(old, [&](const Version *version) {
    return version->object.state() == CodeState::InUse && version->object.entry_pc == waiting.calls_before;
  });
  engine_.targets().set(waiting.entry, is_left ? waiting.calls_before : 0);
  consumeError(engine_.targets().bind(engine_.handshake())); // else at the next stop
  return not_replaced(
      waiting.body,
      make_error(ErrorCode::Cancelled, "the request was cancelled while activations of the old code were left"));
}

/// One look at the stacks. True: nothing is left of the old code.
Expected<bool> Replacer::has_ended(Waiting &waiting, const ReplaceOptions &options) {
  Undisturbed undisturbed;
  Lock lock(engine_.mutex(), after_waiting);
  auto body = replaceable_body(waiting.entry, options);
  if (!body)
    return body.takeError();
  waiting.body = *body;
  waiting.name = engine_.program().functions[*body].name;
  if (!waiting.has_begun) {
    waiting.traced.emplace("replace", waiting.name, options.to);
    if (Error error = begin_waiting(waiting, options))
      return error;
  }
  ++waiting.outcome.stops;
  const std::vector<const Version *> old = engine_.versions().find(waiting.ids);
  if (!reclaimer_->is_quiescent(old))
    return options.is_cancelled && options.is_cancelled->load() ? give_up(waiting, old) : Expected<bool>(false);
  if (options.old_code == OldCode::Free)
    reclaimer_->retire_left(old);
  waiting.traced->done(waiting.outcome);
  engine_.events().tier_changed(*body, options.to, 0);
  return true;
}

/// Threads run and may need the lock while this one waits, and handlers of signals come to it.
Expected<ReplaceOutcome> Replacer::wait_quiescent(EntryId entry, const ReplaceOptions &options) {
  Waiting waiting;
  waiting.entry = entry;
  for (auto wait = first_wait;; wait = std::min(wait * 2, longest_wait)) {
    auto ended = has_ended(waiting, options);
    if (!ended)
      return ended.takeError();
    if (*ended)
      return waiting.outcome;
    if (options.progress)
      options.progress("waits until activations of the old code of '" + waiting.name + "' have ended");
    std::this_thread::sleep_for(wait);
  }
}

} // namespace osr
