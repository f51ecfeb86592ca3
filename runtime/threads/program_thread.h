// A thread that runs code of the program, and the set of all of them.
#pragma once

#include "osr-stubs/call_on_stack.h"
#include "osr-stubs/enter_program.h"
#include "osr-stubs/thread_state.h"
#include "runtime/stack/frame_layout.h"
#include "runtime/threads/made_stacks.h"
#include "runtime/threads/poll_word.h"
#include "runtime/threads/turn_mutex.h"

#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/Error.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <sys/types.h>
#include <ucontext.h>
#include <vector>

namespace osr {

/// Whether a thread is stopped by a handshake; see handshake.h.
enum class StopState : std::uint32_t { Running, Requested, Stopped };

/// Whether a collector has to wait for a thread; see safepoint_gate.h.
enum class Presence : std::uint32_t { Away, Inside };

/// Whether a thread stays in a function of the host's (staying.h): then a handshake holds it there, and sends no signal.
enum class Stay : std::uint32_t { No, Yes, Held };

/// What the end of a thread means to the program: natively, the end of its last thread ends the process.
enum class ThreadRole : std::uint8_t {
  Host, ///< a thread of the host that calls program code: nothing
  Main, ///< the host's thread that runs main: it leaves the program only by pthread_exit
  Program, ///< made by the program or its libraries
};

/// Whether activations on a stack that no thread is on can be found.
enum class Sight : std::uint8_t {
  Seen,
  NotTried, ///< the first walk will say
  Unseen, ///< they may be there, and nobody knows which
};

/// For functions that look at what a stopped thread has written: ThreadSanitizer does not see that it is stopped, because
/// it must not see the signal's handler.
#define OSR_OF_STOPPED_THREAD __attribute__((no_sanitize("thread")))

/// Of each thread's stack, for stubs, signal handlers and the next calls.
inline constexpr std::uint64_t stack_reserve = 64 * 1024;

/// One call of enter() that is under way within another one, in its frame. A walk that cannot pass a frame goes on at the next older entry
/// (walk_stopped_around). Who leaves by longjmp leaves entries behind, in memory that others use by then: so each says whether it is one.
struct ProgramEntry {
  ProgramBase base; ///< filled by osr_enter_program
  const ProgramEntry *older = nullptr;
  std::uint64_t check = 0;

  explicit ProgramEntry(const ProgramEntry *older) : older(older), check(right_check()) {}
  ProgramEntry(const ProgramEntry &) = delete;
  ProgramEntry &operator=(const ProgramEntry &) = delete;
  __attribute__((no_sanitize("address"))) std::uint64_t right_check() const {
    return reinterpret_cast<std::uint64_t>(this) ^ reinterpret_cast<std::uint64_t>(older) ^ 0x6f73725f656e7472;
  }
};

struct ProgramThread {
  pid_t tid = 0; ///< of a stack that no thread runs on: of the last one
  bool is_suspended = false; ///< no thread runs on the stack; `outside` says where it goes on (fiber.h)
  bool is_resumer = false; ///< it is left for a fiber, which comes back to it
  std::size_t suspended_index = 0; ///< in the registry
  std::uint64_t stack_begin = 0; ///< its machine stack's lowest address
  std::uint64_t stack_low = 0; ///< the lowest one that frames may use
  std::uint64_t stack_high = 0; ///< the end of its machine stack; 0: not known
  bool is_own_stack(std::uint64_t sp) const { return sp >= stack_begin && sp < stack_high; }
  /// Where the program has made it, nobody says when its memory becomes something else: walks have to find the base on it.
  bool may_be_gone = false;
  mutable Sight sight = Sight::Seen; ///< in this stop
  /// Not null: the program has changed from this stack to another one, and walks of it begin with these, which lie on it (context_calls.h).
  std::atomic<const OutsideRegisters *> left_at{nullptr};
  ProgramBase base; ///< where the program's part of its stack begins
  /// Activations of the program may be older than the base, or there though there is none.
  bool may_be_called_directly() const { return role == ThreadRole::Host || base.cfa == 0; }
  const ProgramEntry *entries = nullptr; ///< on its own stack, newest first, without the outermost, which `base` is of
  /// Code that it is about to enter in the middle, or has entered so: no stack shows the first (Runtime::enter_at). 0: none.
  std::uint64_t entering_pc = 0;
  std::optional<ObjectStack> objects;
  ThreadRole role = ThreadRole::Host;
  bool was_unwound = false; ///< its first frame is gone without a return: by pthread_exit or a cancellation

  std::uint64_t work_low = 0,
                work_high = 0; ///< the stack on which the runtime works or has worked for it (work_stack.h)
  OutsideRegisters outside; ///< with which it left its own
  bool is_working_at(std::uint64_t sp) const { return work_low < sp && sp <= work_high; }

  std::atomic<PollWord> *poll_word = nullptr; ///< the thread's own
  mutable std::uint64_t poll_askers =
      0; ///< who wants it to wait in its next poll, a bit each (LoopPolls); needs the registry's lock
  const std::uint32_t *vforks = nullptr; ///< not 0: it waits for the child of its vfork, and no signal reaches it
  std::atomic<bool> executes{false}; ///< another program, perhaps: no signal may be sent to it (exec_calls.h)
  std::atomic<Presence> presence{Presence::Away};
  /// It is in a call of enter() that began before anybody waited for threads: its presence says nothing.
  bool is_uncounted = false;

  std::atomic<StopState> stop{StopState::Running};
  const ucontext_t *context = nullptr; ///< Stopped, unless it is held: the interrupted registers
  std::atomic<Stay> stay{Stay::No};
  OutsideRegisters stays_at; ///< unless No: the newest activation, as its callee will return to it
  bool has_context() const { return !is_suspended && stay.load(std::memory_order_relaxed) != Stay::Held; }
  /// Of the thread itself, and of the handler that stops it; see interrupted_call.h.
  std::uint64_t wait_mask = 0;
  std::atomic<bool> interrupted_by_stop{false};

  /// What of this changes with the stack.
  void take_stack_of(const ProgramThread &other) {
    stack_begin = other.stack_begin;
    stack_low = other.stack_low;
    stack_high = other.stack_high;
    base = other.base;
    entries = other.entries;
    is_uncounted = other.is_uncounted;
    may_be_gone = other.may_be_gone;
  }

  ProgramThread() = default;
  ProgramThread(const ProgramThread &) = delete;
  ProgramThread &operator=(const ProgramThread &) = delete;
};

/// All stacks while their threads are stopped, also those that no thread runs on.
using StoppedThreads = llvm::ArrayRef<ProgramThread *>;

/// The calling thread's record; null if it is not registered. Async-signal-safe.
extern constinit thread_local ProgramThread *current_thread __attribute__((tls_model("initial-exec")));

/// Calls the function at `pc` as osr_enter_program does. Walks of the thread's stack end at the outermost call of this
/// kind; while none is under way the thread has no frames of the program.
std::uint64_t enter(ProgramThread &thread, std::uint64_t pc, std::uint64_t first = 0, std::uint64_t second = 0,
                    std::uint64_t third = 0);

/// Before a call of the host, from the thread's own stack; `frame` is the address of a frame that will be older than what
/// is called. The host may have left the program by longjmp: then nothing has said so, and that frame is older than what
/// the thread is said to be in.
void forget_if_left(ProgramThread &thread, void *frame);

/// Stack bounds for a walk of this thread. Async-signal-safe. The alternate signal stack is known to the calling
/// thread only: for other threads pass the one in their interrupted context.
OSR_OF_STOPPED_THREAD StackBounds stack_bounds(const ProgramThread &thread, const stack_t &alternate);

/// All registered threads. Thread-safe. A handshake holds the lock while threads are stopped: a thread that is just
/// starting or ending waits with that, and gets its turn before the next one.
class ThreadRegistry {
public:
  /// Makes the calling thread a thread of the program, with that object stack, and reachable by the stop signal. The
  /// record lives until remove_current(). Registering twice is a bug.
  ProgramThread &add_current(ObjectStack objects);
  /// The same with an object stack of `object_stack_bytes`. Fails when there is no memory.
  llvm::Expected<ProgramThread *> add_current(std::size_t object_stack_bytes = ObjectStack::default_bytes);
  /// Without effect in a thread that is not registered.
  void remove_current();
  static ProgramThread *current() { return current_thread; }

  /// While somebody flips each poll, the poll words of threads are FlipEach when nobody asks anything of them; that of the
  /// registered ones is set.
  void begin_flipping();
  void end_flipping();
  PollWord usual_poll_word() const { return usual_poll_word_.load(std::memory_order_relaxed); }

  /// The child of a fork has one thread only. To be called in it.
  void keep_only_current() OSR_REQUIRES(mutex_);

  /// A stack that no thread runs on any more, or again.
  void add_suspended(ProgramThread &stack) OSR_REQUIRES(mutex_);
  void remove_suspended(ProgramThread &stack) OSR_REQUIRES(mutex_);
  llvm::ArrayRef<ProgramThread *> suspended() const OSR_REQUIRES(mutex_) { return suspended_; }
  /// Those that the program makes.
  MadeStacks &made() OSR_REQUIRES(mutex_) { return made_; }
  /// MadeStacks::add. Takes the lock.
  bool make_stack(Extent memory, std::uint64_t sp) OSR_EXCLUDES(mutex_);
  /// Some were made. Without the lock.
  bool has_made_stacks() const { return has_made_.load(std::memory_order_relaxed); }
  /// And some of them within other stacks.
  bool has_nested_stacks() const { return has_nested_.load(std::memory_order_relaxed); }
  /// The program has gone to a stack that nobody knows: activations may wait where nobody sees them, from here on.
  void lose_stacks() { has_lost_.store(true); }
  bool has_lost_stacks() const { return has_lost_.load(); }

  TurnMutex &mutex() OSR_RETURNS_MUTEX(mutex_) { return mutex_; }
  const std::vector<std::unique_ptr<ProgramThread>> &threads() const OSR_REQUIRES(mutex_) { return threads_; }
  /// Theirs. The child of a vfork, which has their memory, is another one.
  pid_t process() const OSR_REQUIRES(mutex_) { return process_; }
  /// Without the lock.
  std::size_t most_at_once() const { return most_; }

private:
  TurnMutex mutex_;
  std::vector<std::unique_ptr<ProgramThread>> threads_ OSR_GUARDED_BY(mutex_);
  std::vector<ProgramThread *> suspended_ OSR_GUARDED_BY(mutex_);
  MadeStacks made_ OSR_GUARDED_BY(mutex_);
  std::atomic<bool> has_made_ = false, has_nested_ = false, has_lost_ = false;
  pid_t process_ OSR_GUARDED_BY(mutex_) = 0;
  std::atomic<std::size_t> most_ = 0;
  void set_usual_poll_word(PollWord word) OSR_REQUIRES(mutex_);

  std::atomic<PollWord> usual_poll_word_ = PollWord::None;
  unsigned flipping_ OSR_GUARDED_BY(mutex_) = 0; ///< who do
};

/// The threads of this process, whatever runtimes it has, one after the other. Never destroyed.
ThreadRegistry &process_threads();

} // namespace osr
