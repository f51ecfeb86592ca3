#include "runtime/osr/reclaimer.h"

#include "runtime/osr/undisturbed.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>

#include <algorithm>
#include <sched.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_stops = 50; ///< of one scan: a thread may be stopped where no walk is possible
constexpr std::chrono::microseconds first_wait(500), longest_wait(100'000);

} // namespace

void Reclaimer::retire(const Version &version) {
  stubs_.retire_stubs_to(version.object);
  versions_.retire(version);
}

StackEvidence Reclaimer::watch() const {
  StackEvidence evidence;
  auto watch_stub = [&](const ReturnStub &stub) { evidence.watch(stub.memory); };
  for (const auto &version : versions_.retired()) {
    if (version->object.state() == CodeState::NotEntrant)
      evidence.watch(version->object.linked.code);
    stubs_.for_each_from(version->object, watch_stub);
  }
  stubs_.for_each_retired(watch_stub);
  evidence.seal();
  return evidence;
}

/// `watch` says each time anew what to look for. Before that the ways in are closed that no stack shows: direct calls,
/// and sites that are patched to jump to such a stub. Activations at these stay in the code where they are.
template <typename Watch> std::optional<StackEvidence> Reclaimer::gather(Watch watch, IsWayIn is_way_in) const {
  for (unsigned stop = 0; stop < most_stops; ++stop) {
    StackEvidence evidence = watch();
    Error error = handshake_.with_stopped([&](ArrayRef<std::unique_ptr<ProgramThread>> threads) {
      redirector_.release([&](std::uint64_t, std::uint64_t stub_pc) {
        return is_way_in(*static_cast<const ReturnStub *>(table_.find(stub_pc)->handle));
      });
      redirector_.finish();
      if (calls_)
        calls_->update();
      RulesFinder rules(lookup_, table_);
      for (const auto &thread : threads)
        evidence.visit(*thread, rules);
    });
    ++statistics_.freed.scans;
    if (error) { // another time
      consumeError(std::move(error));
      return std::nullopt;
    }
    if (evidence.is_complete())
      return evidence;
    sched_yield();
  }
  return std::nullopt;
}

void Reclaimer::free_by(const StackEvidence &evidence) {
  auto is_pending = [&](const ReturnStub &stub) { return evidence.leads_into(stub.memory); };
  statistics_.freed.stubs += stubs_.free_retired(is_pending);
  DenseSet<const CodeObject *> reached, has_frames; // by stubs that are pending
  stubs_.for_each_retired([&](const ReturnStub &stub) {
    reached.insert(stub.to.begin(), stub.to.end());
    has_frames.insert(stub.from);
  });
  for (auto next = versions_.retired().begin(); next != versions_.retired().end();) {
    Version &version = **next++;
    const CodeObject &object = version.object;
    if (object.state() == CodeState::NotEntrant && !reached.contains(&object) &&
        !evidence.leads_into(object.linked.code))
      versions_.free_code(version);
    stubs_.for_each_from(object, [&](const ReturnStub &stub) {
      if (is_pending(stub))
        has_frames.insert(&object);
    });
    if (object.state() == CodeState::Freed && !has_frames.contains(&object)) {
      statistics_.freed.stubs += stubs_.forget(object);
      versions_.forget(version);
    }
  }
}

bool Reclaimer::is_quiescent(ArrayRef<const Version *> versions) {
  DenseSet<const CodeObject *> objects;
  for (const Version *version : versions)
    objects.insert(&version->object);
  auto is_way_in = [&](const ReturnStub &stub) {
    return any_of(stub.to, [&](const CodeObject *to) { return objects.contains(to); });
  };
  std::vector<const ReturnStub *> stubs;
  stubs_.for_each([&](const ReturnStub &stub) {
    if (is_way_in(stub))
      stubs.push_back(&stub);
  });
  auto evidence = gather(
      [&] {
        StackEvidence watched;
        for (const CodeObject *object : objects)
          watched.watch(object->linked.code);
        for (const ReturnStub *stub : stubs)
          watched.watch(stub->memory);
        watched.seal();
        return watched;
      },
      is_way_in);
  return evidence &&
         none_of(objects, [&](const CodeObject *object) { return evidence->leads_into(object->linked.code); }) &&
         none_of(stubs, [&](const ReturnStub *stub) { return evidence->leads_into(stub->memory); });
}

bool Reclaimer::is_anything_left() const {
  bool has_stubs = false;
  stubs_.for_each_retired([&](const ReturnStub &) { has_stubs = true; });
  return has_stubs || !versions_.retired().empty();
}

bool Reclaimer::scan() {
  if (is_anything_left())
    if (auto evidence = gather([this] { return watch(); }, [](const ReturnStub &stub) { return stub.is_retired; }))
      free_by(*evidence);
  statistics_.freed.waiting = std::uint64_t(count_if(
      versions_.retired(), [](const auto &version) { return version->object.state() == CodeState::NotEntrant; }));
  return is_anything_left();
}

ReclaimLoop::~ReclaimLoop() {
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void ReclaimLoop::notify() {
  std::lock_guard lock(mutex_);
  is_wanted_ = true;
  if (thread_.joinable()) {
    changed_.notify_one();
    return;
  }
  thread_ = start_undisturbed([this] { run(); });
}

void ReclaimLoop::run() {
  std::unique_lock lock(mutex_);
  while (!is_ending_) {
    changed_.wait(lock, [this] { return is_wanted_ || is_ending_; });
    is_wanted_ = false;
    auto wait = first_wait;
    bool again = true;
    while (again && !is_ending_) {
      lock.unlock();
      again = scan_();
      lock.lock();
      changed_.wait_for(lock, wait, [this] { return is_wanted_ || is_ending_; });
      wait = is_wanted_ ? first_wait : std::min(wait * 2, longest_wait);
      is_wanted_ = false;
    }
  }
}

} // namespace osr
