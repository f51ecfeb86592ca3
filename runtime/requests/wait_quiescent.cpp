// Requests that let the activations of the old code end in it, and end themselves when none is left.
#include "compiler/base/error_code.h"
#include "runtime/events/trace_events.h"
#include "runtime/requests/replacer.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

#include <thread>

using namespace llvm;

namespace osr {
namespace {

constexpr std::chrono::microseconds first_wait(200), longest_wait(20'000); ///< between looks at the stacks

} // namespace

struct Replacer::Waiting {
  EntryId entry{};
  FunctionId body = 0;
  std::vector<CodeObjectId> ids; ///< of the old code; other requests may free some of it meanwhile
  std::uint64_t calls_before = 0;
};

Error Replacer::begin_waiting(Waiting &waiting, const ReplaceOptions &options) {
  if (reclaimer_->makes_stacks())
    return not_replaced(waiting.body,
                        make_error("nobody can wait for activations on stacks that the program makes itself"));
  std::vector<const Version *> old;
  auto version = prepare(waiting.body, options, old);
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
  return Error::success();
}

/// Calls go where they went, if that is still there.
Expected<ReplaceOutcome> Replacer::give_up(Waiting &waiting, ArrayRef<const Version *> old) {
  const bool is_left = any_of(old, [&](const Version *version) {
    return version->object.state() == CodeState::InUse && version->object.entry_pc == waiting.calls_before;
  });
  engine_.targets().set(waiting.entry, is_left ? waiting.calls_before : 0);
  consumeError(engine_.targets().bind(engine_.handshake())); // else at the next stop
  return not_replaced(
      waiting.body,
      make_error(ErrorCode::Cancelled, "the request was cancelled while activations of the old code were left"));
}

/// Threads run and may need the lock while this one waits.
Expected<ReplaceOutcome> Replacer::wait_quiescent(EntryId entry, const ReplaceOptions &options) {
  ReplaceOutcome outcome;
  Waiting waiting;
  waiting.entry = entry;
  auto wait = first_wait;
  std::optional<TracedRequest> traced;
  for (bool is_first = true;; is_first = false) {
    Undisturbed undisturbed;
    Lock lock(engine_.mutex(), after_waiting);
    auto body = replaceable_body(entry, options);
    if (!body)
      return body.takeError();
    waiting.body = *body;
    if (is_first) {
      traced.emplace("replace", engine_.program().functions[*body].name, options.to);
      if (Error error = begin_waiting(waiting, options))
        return error;
    }
    ++outcome.stops;
    const std::vector<const Version *> old = engine_.versions().find(waiting.ids);
    if (reclaimer_->is_quiescent(old)) {
      if (options.old_code == OldCode::Free)
        reclaimer_->retire_left(old);
      traced->done(outcome);
      engine_.events().tier_changed(*body, options.to, 0);
      return outcome;
    }
    if (options.is_cancelled && options.is_cancelled->load())
      return give_up(waiting, old);
    const std::string name = engine_.program().functions[*body].name;
    lock.unlock();
    if (options.progress)
      options.progress("waits until activations of the old code of '" + name + "' have ended");
    std::this_thread::sleep_for(wait);
    wait = std::min(wait * 2, longest_wait);
  }
}

} // namespace osr
