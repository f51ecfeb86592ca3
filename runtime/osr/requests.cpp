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

constexpr unsigned most_compile_rounds = 100; ///< each stop may find sites that the one before did not see
constexpr unsigned most_walk_retries = 200;  ///< a thread may be stopped where no walk is possible

using Clock = std::chrono::steady_clock;

} // namespace

/// What one stop looks for and finds. Filled while threads are stopped, so all memory is taken before.
struct Requests::Search {
  FunctionId function = no_function;
  Tier to = Tier::Baseline;
  DenseSet<std::uint64_t> inlined_at; ///< return PCs of other functions' frames that hold an inlined frame of it
  std::vector<Found> found;
  std::vector<std::uint64_t> missing; ///< return PCs for which a stub has to be made first
  std::vector<std::uint64_t> refused; ///< return PCs that get no stub
  bool is_full = false;
  WalkStatus failure = WalkStatus::Walking;
  pid_t failed_thread = 0;
  std::uint64_t already = 0, running = 0, no_room = 0, no_record = 0;

  Landing landing() const { return to == Tier::Baseline ? Landing::InPlace : Landing::Continuation; }

  bool concerns(const Frame &frame) const {
    if (!frame.code)
      return false;
    if (to == Tier::Optimized)
      return frame.code->function == function && frame.code->tier == Tier::Baseline;
    return frame.code->tier == Tier::Optimized && (frame.code->function == function || inlined_at.contains(frame.pc));
  }

  void reserve(std::size_t count) {
    found.reserve(count);
    missing.reserve(count);
    refused.reserve(count);
  }

  void reset() {
    found.clear();
    missing.clear();
    refused.clear();
    is_full = false;
    failure = WalkStatus::Walking;
    already = running = no_room = no_record = 0;
  }

  template <typename T> void push(std::vector<T> &list, const T &value) {
    if (list.size() == list.capacity())
      is_full = true;
    else
      list.push_back(value);
  }

  bool is_complete() const { return failure == WalkStatus::Walking && !is_full && missing.empty(); }
};

void Requests::consider(const Frame &frame, const ProgramThread &thread, Search &search) const {
  if (!search.concerns(frame))
    return;
  if (frame.kind == PcKind::Exact) {
    ++search.running;
  } else if (frame.stub_pc) {
    ++search.already;
  } else if (!frame.is_site) {
    ++search.no_record;
  } else if (const ReturnStub *stub = stubs_.find(frame.pc, search.landing())) {
    if (frame.cfa + std::int64_t(stub->lowest_offset) < thread.stack_low)
      ++search.no_room;
    else
      search.push(search.found, {frame, stub->entry_pc});
  } else {
    bool is_refused = refusals_.contains({frame.pc, search.landing()});
    search.push(is_refused ? search.refused : search.missing, std::uint64_t(frame.pc));
  }
}

void Requests::visit(const ProgramThread &thread, Search &search) const {
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

/// One stop: walks all stacks, and rewrites what was found if nothing is missing. Returns how long threads waited.
Expected<double> Requests::search_and_commit(Search &search) {
  search.reset();
  double pause = 0;
  Error error = handshake_.with_stopped([&](ArrayRef<std::unique_ptr<ProgramThread>> threads) {
    Clock::time_point begin = Clock::now();
    for (const auto &thread : threads)
      if (search.failure == WalkStatus::Walking)
        visit(*thread, search);
    if (search.is_complete())
      for (const Found &found : search.found)
        ReturnPc(found.frame, table_).rewrite(found.stub_pc);
    pause = std::chrono::duration<double>(Clock::now() - begin).count();
  });
  return error ? Expected<double>(std::move(error)) : pause;
}

/// The threads run meanwhile.
void Requests::make_stubs(const Search &search, ContinuationBudget *budget) {
  for (std::uint64_t pc : DenseSet<std::uint64_t>(from_range, search.missing)) {
    if (budget && search.landing() == Landing::Continuation &&
        !budget->spend(stubs_.program().functions[search.function])) {
      refusals_[{pc, search.landing()}] = ContinuationBudget::refusal;
      continue;
    }
    if (auto stub = stubs_.find_or_make(pc, search.landing()); !stub)
      refusals_[{pc, search.landing()}] = toString(stub.takeError());
  }
}

Expected<ReplaceOutcome> Requests::replace(FunctionId function, Tier to, ContinuationBudget *budget) {
  Search search;
  search.function = function;
  search.to = to;
  ArrayRef<std::uint64_t> inlined_at = stubs_.versions().inlined_at(function);
  search.inlined_at.insert(inlined_at.begin(), inlined_at.end());
  search.reserve(1024);
  ReplaceOutcome outcome;
  for (unsigned rounds = 0, retries = 0;;) {
    auto pause = search_and_commit(search);
    if (!pause)
      return pause.takeError();
    ++outcome.stops;
    outcome.pause_seconds = std::max(outcome.pause_seconds, *pause);
    if (search.is_complete())
      break;
    if (search.failure != WalkStatus::Walking) {
      if (++retries > most_walk_retries)
        return make_error("the stack of thread {} cannot be walked: {}", search.failed_thread,
                          describe(search.failure));
      sched_yield();
    } else if (search.is_full) {
      search.reserve(search.found.capacity() * 4);
    } else if (++rounds > most_compile_rounds) {
      return make_error("the threads reach new sites faster than stubs can be made for them");
    } else {
      make_stubs(search, budget);
    }
  }
  outcome.rewritten = search.found.size();
  outcome.already = search.already;
  outcome.running = search.running;
  for (std::uint64_t pc : search.refused)
    ++outcome.refused[refusals_.at({pc, search.landing()})];
  if (search.no_room)
    outcome.refused[no_room_refusal] = search.no_room;
  if (search.no_record)
    outcome.refused[no_record_refusal] = search.no_record;
  return outcome;
}

} // namespace osr
