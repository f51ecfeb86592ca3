#include "runtime/requests/loop_polls.h"

#include "compiler/sites/loop_polls.h"
#include "osr-stubs/cancellation.h"
#include "osr-stubs/frame_words.h"
#include "runtime/threads/futex.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

using namespace llvm;

namespace osr {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<PollHandler *> poll_handler = nullptr, count_handler = nullptr; ///< the same for all runtimes

/// Counts arrivals; the requester sleeps on it. Only the threads' own words tell who waits.
std::atomic<std::uint32_t> arrivals = 0;

void wait_for_request(std::atomic<PollWord> &word) {
  arrivals.fetch_add(1, std::memory_order_release);
  futex_wake(arrivals);
  while (word.load(std::memory_order_acquire) == PollWord::Waiting)
    futex_wait(word, PollWord::Waiting);
}

void on_poll(std::atomic<PollWord> &word, std::uint64_t return_pc_slot) {
  count_handler.load(std::memory_order_relaxed)(return_pc_slot);
  PollWord found = word.load(std::memory_order_acquire);
  switch (found) {
  case PollWord::None:
  case PollWord::Safepoint: break; // released between the poll and here
  case PollWord::Wait:
    if (word.compare_exchange_strong(found, PollWord::Waiting, std::memory_order_acq_rel))
      wait_for_request(word);
    break;
  case PollWord::Waiting: // a signal handler of the program polls, or has left the poll that waited by siglongjmp
    wait_for_request(word);
    break;
  case PollWord::Flip:
    if (word.compare_exchange_strong(found, PollWord::None, std::memory_order_acq_rel))
      poll_handler.load(std::memory_order_relaxed)(return_pc_slot);
    break;
  case PollWord::FlipEach: poll_handler.load(std::memory_order_relaxed)(return_pc_slot); break;
  }
}

[[gnu::noinline]] void poll(std::uint64_t return_pc_slot) {
  Undisturbed undisturbed;
  on_poll(own_poll_word(), return_pc_slot);
  if (ProgramThread *self = ThreadRegistry::current())
    process_safepoints().pass(*self);
}

/// The loop that polls may be one that is to be cancelled at any instruction: then the cancellation comes at the end of
/// this function.
extern "C" void osr_loop_poll() {
  const int before = defer_cancellation();
  poll(return_pc_slot_of(__builtin_frame_address(0)));
  cancel_as_before(before);
}

} // namespace

/// More of them at once than there are bits share some: then a thread may go on too early, and be asked again.
LoopPolls::LoopPolls(ThreadRegistry &threads) : threads_(threads) {
  static std::atomic<unsigned> next = 0;
  asker_ = std::uint64_t(1) << next.fetch_add(1, std::memory_order_relaxed) % 64;
}

void LoopPolls::ask(const ProgramThread &thread) {
  thread.poll_askers |= asker_;
  if (thread.poll_word->load(std::memory_order_acquire) != PollWord::Waiting)
    thread.poll_word->store(PollWord::Wait, std::memory_order_release);
  if (!asked_at_)
    asked_at_ = Clock::now();
}

bool LoopPolls::all_wait() {
  Lock lock(threads_.mutex());
  return none_of(threads_.threads(), [this](const auto &thread) {
    return (thread->poll_askers & asker_) && thread->poll_word->load(std::memory_order_acquire) == PollWord::Wait;
  });
}

bool LoopPolls::wait(std::chrono::milliseconds patience) {
  Clock::time_point end = Clock::now() + patience;
  for (;;) {
    std::uint32_t seen = arrivals.load(std::memory_order_acquire);
    if (all_wait())
      return true;
    if (Clock::now() >= end)
      return false;
    timespec left = time_until(end);
    futex_wait(arrivals, seen, &left);
  }
}

double LoopPolls::release() {
  if (!asked_at_)
    return 0;
  Lock lock(threads_.mutex());
  for (const auto &thread : threads_.threads()) {
    if (!(thread->poll_askers & asker_) || (thread->poll_askers &= ~asker_) != 0)
      continue;
    PollWord word = thread->poll_word->load(std::memory_order_acquire);
    if (word != PollWord::Wait && word != PollWord::Waiting)
      continue;
    thread->poll_word->store(threads_.usual_poll_word(), std::memory_order_release);
    futex_wake(*thread->poll_word);
  }
  Clock::time_point asked_at = *std::exchange(asked_at_, std::nullopt);
  return std::chrono::duration<double>(Clock::now() - asked_at).count();
}

void answer_polls(PollHandler *handler, PollHandler *counted) {
  poll_handler = handler;
  count_handler = counted;
}

std::vector<AbsoluteSymbol> loop_poll_symbols() {
  return {{loop_poll_callee, reinterpret_cast<std::uint64_t>(&osr_loop_poll)}};
}

void flip_at_next_poll(ThreadRegistry &threads) {
  Lock lock(threads.mutex());
  for (const auto &thread : threads.threads()) {
    PollWord none = PollWord::None;
    thread->poll_word->compare_exchange_strong(none, PollWord::Flip, std::memory_order_acq_rel);
  }
}

} // namespace osr
