#include "runtime/engine/reclaimer.h"

#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <array>
#include <utility>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_stops = 50; ///< of one scan: a thread may be stopped where no walk is possible
constexpr unsigned most_unseen_stops = 8; ///< one after the other in which some stack is not seen
constexpr std::chrono::seconds longest_trust(1); ///< in counts that are not zero
constexpr std::chrono::microseconds first_wait(500), longest_wait(100'000);

} // namespace

void Reclaimer::retire(const Version &version) {
  stubs_.retire_stubs_to(version.object);
  versions_.retire(version);
}

void Reclaimer::retire_left(ArrayRef<const Version *> versions) {
  for (const Version *version : versions)
    if (version->object.state() == CodeState::InUse && !engine_.targets().enter(*version))
      retire(*version);
}

const ReturnStub &Reclaimer::stub_at(std::uint64_t stub_pc) const {
  return *static_cast<const ReturnStub *>(table_.find(stub_pc)->handle);
}

/// Code that is out of use, `objects`, and `stubs`.
StackEvidence Reclaimer::watch(const Objects &objects, ArrayRef<const ReturnStub *> stubs) const {
  StackEvidence evidence;
  for (const CodeObject *object : objects)
    evidence.watch(object->linked.code);
  for (const auto &version : versions_.retired())
    if (version->object.state() == CodeState::NotEntrant && !objects.contains(&version->object))
      evidence.watch(version->object.linked.code);
  for (const ReturnStub *stub : stubs)
    evidence.watch(stub->memory);
  evidence.seal();
  return evidence;
}

/// Activations may wait on stacks that only the program knows, and go on in any code that they were called in: it has gone to stacks of
/// which nothing was seen, or may do so by Boost.Context, on which coroutines and fibers of C++ programs stand.
bool Reclaimer::is_blind() const {
  const Module &module = *engine_.program().module;
  return engine_.threads().has_lost_stacks() ||
         any_of(std::array{"make_fcontext", "jump_fcontext", "ontop_fcontext"},
                [&](const char *name) { return module.getFunction(name) != nullptr; });
}

/// What leads into code that is out of use, and into `objects`, which nobody is to enter any more. Before that the ways
/// in are closed that no stack shows: direct calls, and patched return points.
std::optional<StackEvidence> Reclaimer::gather(const Objects &objects) {
  if (is_blind())
    return std::nullopt;
  std::vector<const ReturnStub *> stubs;
  stubs_.for_each([&](const ReturnStub &stub) {
    if (stub.is_retired || stub.from->state() != CodeState::InUse || objects.contains(stub.from) ||
        any_of(stub.to, [&](const CodeObject *to) { return objects.contains(to); }))
      stubs.push_back(&stub);
  });
  llvm::sort(stubs);
  for (unsigned stop = 0; stop < most_stops; ++stop) {
    StackEvidence evidence = watch(objects, stubs);
    Error error = handshake_.with_stopped([&](StoppedThreads threads) OSR_REQUIRES(engine_lock) {
      if (CallSites *calls = engine_.targets().sites())
        calls->update();
      RulesFinder rules(lookup_, table_);
      for (const auto &thread : threads)
        evidence.visit(*thread, rules, /*is_last=*/stop + 1 == most_stops);
      if (evidence.is_complete() && !evidence.is_any_unseen())
        follow_patches(evidence, stubs);
    });
    ++statistics_.freed.scans;
    if (error) { // another time
      consumeError(std::move(error));
      return std::nullopt;
    }
    if (evidence.is_complete()) {
      const bool was_unseen = std::exchange(is_any_unseen_, evidence.is_any_unseen());
      if (!is_any_unseen_)
        return evidence;
      if (was_unseen || stop + 1 >= most_unseen_stops) // not a thread that is just about to change stacks
        return std::nullopt;
      is_any_unseen_ = false;
    }
    let_threads_run(stop + 1);
  }
  return std::nullopt;
}

/// A patched site of code that is in use is restored if its stub is one of `stubs` (ascending): activations there stay in
/// code that is right. One of code that is out of use is not, while activations may come to it: they must not stay in
/// code that may be wrong by now (Runtime::redefine), so what the stub leads to is reached like the code of the site.
void Reclaimer::follow_patches(StackEvidence &evidence, ArrayRef<const ReturnStub *> stubs) const {
  for (bool is_new = true; is_new;) {
    is_new = false;
    for (const ReturnStub *stub : stubs)
      if (evidence.leads_into(stub->memory))
        for (const CodeObject *to : stub->to)
          is_new |= evidence.reach(to->entry_pc);
    redirector_.for_each_patch([&](std::uint64_t, std::uint64_t stub_pc) {
      const CodeObject &from = *stub_at(stub_pc).from;
      if (from.state() != CodeState::InUse && evidence.leads_into(from.linked.code))
        is_new |= evidence.reach(stub_pc);
    });
  }
  redirector_.release([&](std::uint64_t, std::uint64_t stub_pc) {
    const ReturnStub &stub = stub_at(stub_pc);
    return std::ranges::binary_search(stubs, &stub) && !evidence.leads_into(stub.memory);
  });
  redirector_.finish();
}

void Reclaimer::free_by(const StackEvidence &evidence) {
  auto is_pending = [&](const ReturnStub &stub) { return evidence.leads_into(stub.memory); };
  statistics_.freed.stubs += stubs_.free_retired(is_pending);
  DenseSet<const CodeObject *> reached, has_frames; // by stubs that are pending
  stubs_.for_each_retired([&](const ReturnStub &stub) {
    reached.insert(stub.to.begin(), stub.to.end());
    has_frames.insert(stub.from);
    if (stub.lands_in_old)
      reached.insert(stub.from);
  });
  for (auto next = versions_.retired().begin(); next != versions_.retired().end();) {
    Version &version = **next++;
    const CodeObject &object = version.object;
    stubs_.for_each_from(object, [&](const ReturnStub &stub) {
      if (!is_pending(stub))
        return;
      has_frames.insert(&object);
      if (stub.lands_in_old)
        reached.insert(&object);
    });
    if (object.state() == CodeState::NotEntrant && !reached.contains(&object) &&
        !evidence.leads_into(object.linked.code))
      versions_.free_code(version);
    if (object.state() == CodeState::Freed && !has_frames.contains(&object)) {
      statistics_.freed.stubs += stubs_.forget(object);
      if (!engine_.registry().has_readers()) // of its name, which a program may ask for when no frame of it is left
        versions_.forget(version);
    }
  }
}

bool Reclaimer::is_quiescent(ArrayRef<const Version *> versions) {
  Objects objects;
  for (const Version *version : versions)
    if (version->object.state() != CodeState::Freed)
      objects.insert(&version->object);
  auto evidence = gather(objects);
  if (!evidence)
    return false;
  bool is_quiescent =
      none_of(objects, [&](const CodeObject *object) { return evidence->leads_into(object->linked.code); });
  stubs_.for_each([&](const ReturnStub &stub) {
    if (any_of(stub.to, [&](const CodeObject *to) { return objects.contains(to); }) ||
        (stub.lands_in_old && objects.contains(stub.from)))
      is_quiescent &= !evidence->leads_into(stub.memory);
  });
  return is_quiescent;
}

bool Reclaimer::is_anything_left() const {
  bool has_stubs = false;
  stubs_.for_each_retired([&](const ReturnStub &) { has_stubs = true; });
  return has_stubs || !versions_.retired().empty();
}

/// Where activations are counted, a count above zero most often tells the truth.
bool Reclaimer::is_worth_a_stop() const {
  if (std::chrono::steady_clock::now() - last_stop_ >= longest_trust)
    return true;
  return any_of(versions_.retired(), [](const auto &version) {
    return !version->residents || version->object.state() == CodeState::Freed || version->residents->load() == 0;
  });
}

/// A body that no code, no record and no map mentions any more takes memory for nothing.
void Reclaimer::drop_unused_bodies() {
  Bodies &bodies = engine_.targets().bodies();
  std::vector<FunctionId> unused;
  for (FunctionId body : bodies.old())
    if (!bodies.is_kept(body) && !versions_.mentions(body) && !stubs_.site_maps().lead_to(body))
      unused.push_back(body);
  for (FunctionId body : unused) {
    stubs_.site_maps().remove(body);
    versions_.forget_body(body);
    engine_.effort().forget(body);
    bodies.forget(body);
    engine_.compiler().drop_body(body);
  }
}

bool Reclaimer::scan() {
  if (is_anything_left() && is_worth_a_stop()) {
    last_stop_ = std::chrono::steady_clock::now();
    if (auto evidence = gather({}))
      free_by(*evidence);
  }
  drop_unused_bodies();
  llvm::erase_if(removed_,
                 [&](Engine::Added &module) OSR_REQUIRES(engine_lock) { return engine_.free_removed(module); });
  statistics_.freed.waiting = std::uint64_t(count_if(
      versions_.retired(), [](const auto &version) { return version->object.state() == CodeState::NotEntrant; }));
  return is_anything_left();
}

ReclaimLoop::ReclaimLoop(std::function<bool()> scan)
    : scan_(std::move(scan)),
      thread_({.name = "osr reclaim"}, [this]() OSR_REQUIRES(thread_.mutex()) { return next(); }) {}

void ReclaimLoop::notify() {
  Lock lock(thread_.mutex());
  is_wanted_ = true;
  thread_.notify();
}

WorkerThreads::Next ReclaimLoop::next() {
  if (is_wanted_)
    wait_ = first_wait;
  else if (WorkerThreads::Clock::now() < due_)
    return {.work = nullptr, .look_again = due_};
  is_wanted_ = false; // whoever notifies from here on may mean something that this scan does not see
  return {.work = [this] { scan(); }};
}

void ReclaimLoop::scan() {
  const bool again = scan_();
  Lock lock(thread_.mutex());
  due_ = again ? WorkerThreads::Clock::now() + wait_ : WorkerThreads::Clock::time_point::max();
  wait_ = std::min(wait_ * 2, longest_wait);
}

} // namespace osr
