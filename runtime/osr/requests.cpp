#include "runtime/osr/requests.h"

#include "compiler/base/error.h"
#include "runtime/stack/arch_x86_64.h"
#include "runtime/stack/return_pc.h"

#include <llvm/ADT/DenseSet.h>
#include <llvm/ADT/STLExtras.h>

#include <sched.h>

using namespace llvm;

namespace osr {
namespace {

constexpr unsigned most_compile_rounds = 16; ///< each stop may find sites that the one before did not see
constexpr unsigned most_walk_retries = 200;  ///< a thread may be stopped where no walk is possible

using Clock = std::chrono::steady_clock;

} // namespace

/// What one stop looks for and finds. Filled while threads are stopped, so all memory is taken before.
struct Requests::Search {
  FunctionId function;
  Tier to;
  DenseSet<std::uint64_t> inlined_at; ///< return PCs of other functions' frames that hold an inlined frame of it
  std::vector<Found> found;
  std::vector<std::uint64_t> missing; ///< return PCs for which a stub has to be made first
  bool is_full = false;
  WalkStatus failure = WalkStatus::Walking;
  pid_t failed_thread = 0;
  std::uint64_t already = 0, running = 0, refused = 0;
  bool no_room = false, no_record = false;

  Landing landing() const { return to == Tier::Baseline ? Landing::InPlace : Landing::Continuation; }

  bool concerns(const Frame &frame) const {
    if (!frame.code)
      return false;
    if (to == Tier::Optimized)
      return frame.code->function == function && frame.code->tier == Tier::Baseline;
    return frame.code->tier == Tier::Optimized && (frame.code->function == function || inlined_at.contains(frame.pc));
  }

  void reset() {
    found.clear();
    missing.clear();
    is_full = no_room = no_record = false;
    failure = WalkStatus::Walking;
    already = running = refused = 0;
  }

  template <typename T> bool push(std::vector<T> &list, const T &value) {
    if (list.size() == list.capacity()) {
      is_full = true;
      return false;
    }
    list.push_back(value);
    return true;
  }
};

void Requests::consider(const Frame &frame, const ProgramThread &thread, Search &search) const {
  if (!search.concerns(frame))
    return;
  if (frame.kind == PcKind::Exact) {
    ++search.running;
    return;
  }
  if (frame.stub_pc) {
    ++search.already;
    return;
  }
  if (!frame.is_site) {
    ++search.refused;
    search.no_record = true;
    return;
  }
  const ReturnStub *stub = stubs_.find(frame.pc, search.landing());
  if (!stub) {
    if (stubs_.is_known(frame.pc, search.landing()))
      ++search.refused;
    else
      search.push(search.missing, std::uint64_t(frame.pc));
    return;
  }
  if (frame.cfa + std::int64_t(stub->lowest_offset) < thread.stack_low) {
    ++search.refused;
    search.no_room = true;
    return;
  }
  search.push(search.found, {frame, stub->entry_pc});
}

void Requests::visit(ProgramThread &thread, Search &search) const {
  WalkStart start{arch::from_context(*thread.context), PcKind::Exact};
  StackBounds bounds = stack_bounds(thread, thread.context->uc_stack);
  // Before its first and after its last program frame a thread has nothing to replace.
  if (thread.base.cfa == 0 || (start.registers.sp >= thread.base.cfa && !bounds.on_alternate(start.registers.sp)))
    return;
  FrameCursor cursor(start, lookup_, table_, bounds);
  for (; !cursor.done(); cursor.advance())
    consider(cursor.frame(), thread, search);
  if (cursor.status() != WalkStatus::ReachedBase) {
    search.failure = cursor.status();
    search.failed_thread = thread.tid;
  }
}

Expected<ReplaceOutcome> Requests::replace(FunctionId function, Tier to) {
  Search search{.function = function, .to = to};
  for (std::uint64_t pc : stubs_.versions().inlined_at(function))
    search.inlined_at.insert(pc);
  search.found.reserve(1024);
  search.missing.reserve(1024);
  ReplaceOutcome outcome;
  for (unsigned compile_rounds = 0, retries = 0;;) {
    search.reset();
    bool committed = false;
    double pause = 0;
    Error error = handshake_.with_stopped([&](ArrayRef<std::unique_ptr<ProgramThread>> threads) {
      Clock::time_point begin = Clock::now();
      for (const auto &thread : threads)
        if (search.failure == WalkStatus::Walking)
          visit(*thread, search);
      if (search.failure == WalkStatus::Walking && !search.is_full && search.missing.empty()) {
        for (const Found &found : search.found)
          ReturnPc(found.frame, table_).rewrite(found.stub_pc);
        committed = true;
      }
      pause = std::chrono::duration<double>(Clock::now() - begin).count();
    });
    if (error)
      return error;
    ++outcome.stops;
    outcome.pause_seconds = std::max(outcome.pause_seconds, pause);
    if (committed)
      break;
    if (search.failure != WalkStatus::Walking) {
      if (++retries > most_walk_retries)
        return make_error("the stack of thread {} cannot be walked: {}", search.failed_thread, describe(search.failure));
      sched_yield();
    } else if (search.is_full) {
      search.found.reserve(search.found.capacity() * 4);
      search.missing.reserve(search.missing.capacity() * 4);
    } else {
      if (++compile_rounds > most_compile_rounds)
        return make_error("the threads reach new sites faster than stubs can be made for them");
      sort(search.missing);
      search.missing.erase(std::unique(search.missing.begin(), search.missing.end()), search.missing.end());
      for (std::uint64_t pc : search.missing)
        if (auto stub = stubs_.find_or_make(pc, search.landing()); !stub)
          outcome.reasons.push_back(toString(stub.takeError()));
    }
  }
  outcome.rewritten = search.found.size();
  outcome.already = search.already;
  outcome.running = search.running;
  outcome.refused = search.refused;
  if (search.no_room)
    outcome.reasons.push_back("no room on the stack");
  if (search.no_record)
    outcome.reasons.push_back("no record at this call (pinned function or exempt call)");
  return outcome;
}

} // namespace osr
