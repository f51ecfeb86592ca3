// What a request does while all threads stand still: nothing here allocates, locks or waits.
#include "runtime/requests/request_search.h"
#include "runtime/requests/requests.h"
#include "runtime/threads/stopped_walk.h"

using namespace llvm;

namespace osr {
namespace {

using Clock = std::chrono::steady_clock;

} // namespace

/// What is known about the site of a frame; recursions ask for the same one again and again.
void Requests::look_up(const Frame &frame, RequestSearch &search) const {
  if (search.last.code == frame.code && search.last.return_pc == frame.pc)
    return;
  const ReturnStub *stub = stubs_.find(*frame.code, frame.pc, search.what.landing);
  const bool is_refused = search.skipped.contains(site_key(*frame.code, frame.pc)) ||
                          (!stub && stubs_.find_refusal(*frame.code, frame.pc, search.what.landing));
  search.last = {frame.code, frame.pc};
  search.last_known = {stub, is_refused};
}

void Requests::consider(const Frame &frame, const ProgramThread &thread, RequestSearch &search) const {
  const ReturnStub *pending = nullptr;
  // A stub that was interrupted leads where it leads, however activations get to it.
  if (const std::uint64_t stub_pc = frame.kind == PcKind::Exact ? frame.stub_pc : redirector_.stub_of(frame)) {
    pending = static_cast<const ReturnStub *>(table_.find(stub_pc)->handle);
    if (!search.concerns(*pending)) {
      search.already += search.concerns(frame);
      return;
    }
  } else if (!search.concerns(frame)) {
    return;
  }
  if (frame.kind == PcKind::Exact) {
    ++search.running;
    return;
  }
  if (!frame.is_site) {
    ++search.no_record;
    return;
  }
  if (pending && redirector_.concerns_sites() && search.stays(frame.pc, frame.code)) {
    ++search.released; // by commit(): it need not leave its code at all
    return;
  }
  look_up(frame, search);
  const auto [stub, is_refused] = search.last_known;
  if (is_refused)
    search.push(search.refused, {frame.code, frame.pc});
  else if (!stub)
    search.push(search.missing, {frame.code, frame.pc});
  else if (stub == pending) // leads to the new code inside and to the old one outside: the outer frame comes later
    ++search.pending;
  else if (pending && !pending->lands_in_old && stub->lands_in_old &&
           (frame.code->state() != CodeState::InUse || frame.code->uses_references))
    ++search.pending; // the code of that frame may be freed, or objects have moved: no exception may land there
  else if (frame.cfa + std::int64_t(stub->lowest_offset) < thread.stack_low)
    ++search.no_room;
  else
    search.push(search.found, {frame, stub->entry_pc});
}

/// Words that may lead into the code in question, on a part of a stack where nobody can tell which of them do.
void Requests::count_hidden(std::uint64_t low, std::uint64_t high, RequestSearch &search) const {
  for (; low < high; low += sizeof(std::uint64_t))
    search.hidden += search.may_concern(load_word(low), table_, lookup_);
}

void Requests::visit(const ProgramThread &thread, RulesFinder &rules, RequestSearch &search) const {
  bool is_newest = true;
  const auto look = [&](const Frame &frame) OSR_UNCHECKED_LOCKS { // whoever walks has no name for them
    consider(frame, thread, search);
    // In the function itself, or in a call that is no site, such as of memcpy.
    bool is_between_sites = (frame.kind == PcKind::Exact && !frame.stub_pc) || (is_newest && !frame.is_site);
    if (is_between_sites && search.concerns(frame) && frame.code->has_loop_sites && thread.has_context())
      search.push(search.at_loops, &thread);
    is_newest = is_newest && !frame.code;
    return true;
  };
  const auto count = [&](std::uint64_t low, std::uint64_t high)
                         OSR_UNCHECKED_LOCKS { count_hidden(low, high, search); };
  const WalkStatus status = search.is_last_try || is_settled(thread) ? walk_stopped_around(thread, rules, look, count)
                                                                     : walk_stopped_while(thread, rules, look);
  if (status != WalkStatus::ReachedBase) {
    search.failure = status;
    search.failed_thread = thread.tid;
  }
}

/// One stop: walks all stacks, and if nothing is missing asks threads to come to their polls, or rewrites what was found
/// when there is nobody to ask. Returns how long threads waited.
Expected<double> Requests::search_and_commit(RequestSearch &search) {
  search.reset();
  double pause = 0;
  Error error = handshake_.with_stopped([&](StoppedThreads threads) OSR_REQUIRES(engine_lock) {
    Clock::time_point begin = Clock::now();
    RulesFinder rules(lookup_, table_);
    for (const auto &thread : threads)
      if (search.failure == WalkStatus::ReachedBase && thread->tid == search.what.only_thread.value_or(thread->tid))
        visit(*thread, rules, search);
    if (search.is_to_ask()) {
      for (const ProgramThread *thread : search.at_loops)
        polls_.ask(*thread);
      search.asked = true;
    } else if (search.is_complete()) {
      commit(search);
    }
    pause = std::chrono::duration<double>(Clock::now() - begin).count();
  });
  return error ? Expected<double>(std::move(error)) : pause;
}

/// All threads are stopped.
void Requests::commit(const RequestSearch &search) {
  redirector_.release([&](std::uint64_t return_pc, std::uint64_t stub_pc) {
    const auto &stub = *static_cast<const ReturnStub *>(table_.find(stub_pc)->handle);
    return stub.may_be_released() &&
           (search.concerns(stub) || search.stays(return_pc, lookup_.find_code(return_pc - 1).object));
  });
  for (const RequestSearch::Found &found : search.found) {
    stubs_.note_cause(found.stub_pc);
    redirector_.redirect(found.frame, found.stub_pc);
  }
  redirector_.finish();
  if (calls_)
    calls_->update();
}

} // namespace osr
