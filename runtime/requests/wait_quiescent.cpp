// Requests that let the activations of the old code end in it, and end themselves when none is left.
#include "compiler/base/error_code.h"
#include "runtime/engine/look_at_stacks.h"
#include "runtime/events/trace_events.h"
#include "runtime/requests/replacer.h"
#include "runtime/requests/sought_code.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/DenseSet.h>
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

/// What is waited for: old code, and sites at which the function is inlined into other code that stays.
class Replacer::OldActivations {
public:
  OldActivations(Engine &engine, ArrayRef<const Version *> old, ArrayRef<SiteKey> inlined_at) OSR_REQUIRES(engine_lock)
      : sought_(inlined_at), table_(engine.stub_table()), lookup_(engine.lookup()) {
    for (const Version *version : old)
      sought_.objects.insert(&version->object);
    engine.redirector().for_each_patch([&](std::uint64_t return_pc, std::uint64_t stub_pc) {
      (leads_to_old(stub_pc) ? patched_into_it_ : patched_out_of_it_).insert(return_pc);
    });
  }

  bool has_inlined() const { return !sought_.sites.empty(); }
  /// One that is rewritten is where it goes.
  OSR_OF_STOPPED_THREAD bool contain(const Frame &frame) const {
    if (frame.stub_pc != 0)
      return leads_to_old(frame.stub_pc);
    if (frame.kind == PcKind::ReturnPc && patched_into_it_.contains(frame.pc))
      return true;
    if (frame.kind == PcKind::ReturnPc && patched_out_of_it_.contains(frame.pc))
      return false;
    return sought_.concerns(frame);
  }
  /// Between frames that hide what is there, each word may be a return PC.
  OSR_OF_STOPPED_THREAD bool may_be_within(std::uint64_t low, std::uint64_t high) const {
    for (; low < high; low += word_size)
      if (const std::uint64_t word = load_word(low);
          patched_into_it_.contains(word) || sought_.may_concern(word, table_, lookup_))
        return true;
    return false;
  }

private:
  OSR_OF_STOPPED_THREAD bool leads_to_old(std::uint64_t stub_pc) const {
    const auto stub = table_.find(stub_pc);
    return stub && sought_.concerns(*static_cast<const ReturnStub *>(stub->handle));
  }

  SoughtCode sought_;
  const StubTable &table_;
  RegistryLookup lookup_;
  DenseSet<std::uint64_t> patched_into_it_, patched_out_of_it_; ///< return PCs whose code is patched
};

/// Whether a stack has one of them: any, or those that this thread comes back to. The error says that it cannot be known.
Expected<bool> Replacer::is_there(const OldActivations &wanted, bool only_here) {
  bool is_there = false;
  auto look = [&](const ProgramThread &thread, RulesFinder &rules) {
    if (is_there || (only_here && (thread.tid != gettid() || (thread.is_suspended && !thread.is_resumer))))
      return StackLook{};
    const auto visit = [&](const Frame &frame) {
      is_there = is_there || wanted.contain(frame);
      return !is_there;
    };
    const auto hidden = [&](std::uint64_t low, std::uint64_t high) { is_there |= wanted.may_be_within(low, high); };
    return StackLook{is_settled(thread) ? walk_stopped_around(thread, rules, visit, hidden)
                                        : walk_stopped_while(thread, rules, visit),
                     true};
  };
  auto unwalked = look_at_stacks(engine_, [&] { is_there = false; }, look, [] {});
  if (!unwalked)
    return unwalked.takeError();
  if (!is_there && *unwalked)
    return make_error("the stack of thread {} cannot be walked: {}", (*unwalked)->tid, describe((*unwalked)->status));
  return is_there;
}

/// Into which code the function is inlined matters only to who wants it out of there.
Replacer::OldActivations Replacer::activations_of(FunctionId body, const ReplaceOptions &options,
                                                  ArrayRef<const Version *> old) const {
  return {engine_, old, options.to == Tier::Baseline ? engine_.versions().inlined_at(body) : ArrayRef<SiteKey>()};
}

/// Whoever waits for an activation that is on its own stack waits for ever.
Error Replacer::refuse_below_own(FunctionId body, const ReplaceOptions &options, ArrayRef<const Version *> old) {
  auto is_here = is_there(activations_of(body, options, old), /*only_here=*/true);
  if (!is_here)
    return not_replaced(body, is_here.takeError());
  return *is_here ? not_replaced(body, make_error(ErrorCode::WrongState, "the thread that would wait is in it"))
                  : Error::success();
}

/// No activation of the old code is left.
bool Replacer::is_quiescent(FunctionId body, const ReplaceOptions &options, ArrayRef<const Version *> old) {
  if (!reclaimer_->is_quiescent(old))
    return false;
  const OldActivations inlined = activations_of(body, options, {});
  if (!inlined.has_inlined())
    return true;
  auto is_left = is_there(inlined, /*only_here=*/false);
  if (is_left)
    return !*is_left;
  consumeError(is_left.takeError()); // another time
  return false;
}

Error Replacer::refuse_hidden(FunctionId body) const {
  return not_replaced(body, make_error("nobody can wait for activations on stacks that the program makes itself"));
}

Error Replacer::begin_waiting(Waiting &waiting, const ReplaceOptions &options) {
  if (reclaimer_->has_hidden_stacks())
    return refuse_hidden(waiting.body);
  const std::vector<const Version *> old = replaced_by(waiting.body, options);
  if (Error error = refuse_below_own(waiting.body, options, old))
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
void Replacer::give_up(Waiting &waiting, ArrayRef<const Version *> old) {
  const bool is_left = any_of(old, [&](const Version *version) {
    return version->object.state() == CodeState::InUse && version->object.entry_pc == waiting.calls_before;
  });
  engine_.targets().set(waiting.entry, is_left ? waiting.calls_before : 0);
  consumeError(engine_.targets().bind(engine_.handshake())); // else at the next stop
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
  if (!is_quiescent(*body, options, old)) {
    const bool is_cancelled = options.is_cancelled && options.is_cancelled->load();
    if (!is_cancelled && !reclaimer_->has_hidden_stacks())
      return false;
    give_up(waiting, old);
    return is_cancelled ? not_replaced(*body, make_error(ErrorCode::Cancelled, "the request was cancelled while "
                                                                               "activations of the old code were left"))
                        : refuse_hidden(*body);
  }
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
