#include "runtime/threads/program_thread.h"

#include "compiler/base/check.h"
#include "osr-stubs/transition_ring.h"
#include "osr-stubs/vfork.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/own_heap.h"
#include "runtime/threads/safepoint_gate.h"
#include "runtime/threads/staying.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/ADT/STLExtras.h>

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace llvm;

namespace osr {

constinit thread_local ProgramThread *current_thread = nullptr;

namespace {

constexpr std::uint64_t unlimited_stack = std::uint64_t(1) << 30;

/// The main thread's stack grows up to its limit, which may have been raised since the process began; the C library
/// knows the size of all others.
void find_stack(ProgramThread &thread) {
  pthread_attr_t attributes;
  void *low = nullptr;
  std::size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
  }
  auto address = reinterpret_cast<std::uint64_t>(low);
  if (getpid() == gettid()) {
    rlimit limit{};
    getrlimit(RLIMIT_STACK, &limit);
    std::uint64_t top = address + size;
    std::uint64_t most = limit.rlim_cur == RLIM_INFINITY ? unlimited_stack : limit.rlim_cur;
    address = top > most ? top - most : 0;
  }
  thread.stack_begin = address;
  thread.stack_low = address + stack_reserve;
  thread.stack_high = low ? reinterpret_cast<std::uint64_t>(low) + size : 0;
}

} // namespace

/// Behind a call: a fiber may have gone to another thread meanwhile. Not inlined, so that nobody knows the address of the variable from
/// before.
[[gnu::noinline]] ProgramThread &thread_now(ProgramThread &entered, bool was_current) {
  return was_current && current_thread ? *current_thread : entered;
}

/// Those that are newer than `frame`, which the thread is in, were left by longjmp.
__attribute__((no_sanitize("address"))) static void drop_left_entries(ProgramThread &thread, const void *frame) {
  while (thread.entries && thread.entries < frame)
    thread.entries = thread.entries->check == thread.entries->right_check() ? thread.entries->older : nullptr;
}

std::uint64_t enter(ProgramThread &thread, std::uint64_t pc, std::uint64_t first, std::uint64_t second,
                    std::uint64_t third) {
  const bool is_counted =
      process_safepoints().is_used(); // before it says where it is: what says yes here says so there
  const NotStaying not_staying;
  const InsideProgram inside(thread);
  const bool is_on_own_stack = thread.is_own_stack(reinterpret_cast<std::uint64_t>(__builtin_frame_address(0)));
  if (is_on_own_stack)
    drop_left_entries(thread, __builtin_frame_address(0));
  ProgramEntry entry(thread.entries);
  /// Also when an exception flies through, or pthread_exit unwinds: destructors of thread-local objects come after it.
  struct Outer {
    ProgramThread &entered;
    bool was_uncounted;
    bool was_current = current_thread == &entered;
    ProgramBase base = entered.base;
    const ProgramEntry *entries = entered.entries;
    bool returned = false;
    ~Outer() {
      ProgramThread &thread = thread_now(entered, was_current);
      thread.base = base;
      thread.entries = entries;
      thread.is_uncounted = was_uncounted;
      thread.was_unwound |= !returned && base.cfa == 0;
    }
  } outer{thread, std::exchange(thread.is_uncounted, !is_counted)};
  runs_program = true;
  const bool is_nested = outer.base.cfa != 0; // walks go on to the outermost frame: control comes back to all of them
  if (is_nested && is_on_own_stack) // a handler on another stack is no part of this one
    thread.entries = &entry;
  std::uint64_t result = osr_enter_program(pc, first, second, third, is_nested ? &entry.base : &thread.base);
  outer.returned = true;
  return result;
}

void forget_if_left(ProgramThread &thread, void *frame) {
  if (thread.base.cfa == 0 || reinterpret_cast<std::uint64_t>(frame) < thread.base.cfa)
    return;
  thread.base = ProgramBase();
  thread.entries = nullptr;
  thread.entering_pc = 0;
  thread.is_uncounted = false;
  if (process_safepoints().is_used() && thread.presence.load(std::memory_order_relaxed) == Presence::Inside)
    process_safepoints().leave(thread);
}

StackBounds stack_bounds(const ProgramThread &thread, const stack_t &alternate) {
  StackBounds bounds;
  bounds.base = bounds.end = thread.base.cfa;
  if (!(alternate.ss_flags & SS_DISABLE)) {
    bounds.alternate_low = reinterpret_cast<std::uintptr_t>(alternate.ss_sp);
    bounds.alternate_high = bounds.alternate_low + alternate.ss_size;
  }
  return bounds;
}

Expected<ProgramThread *> ThreadRegistry::add_current(std::size_t object_stack_bytes) {
  auto objects = ObjectStack::reserve(object_stack_bytes);
  if (!objects)
    return objects.takeError();
  return &add_current(std::move(*objects));
}

ProgramThread &ThreadRegistry::add_current(ObjectStack objects) {
  OSR_CHECK(!current_thread, "thread {} is registered already", current_thread->tid);
  auto thread = std::make_unique<ProgramThread>();
  thread->objects = std::move(objects);
  thread->objects->install();
  thread->tid = osr_thread_number = gettid();
  find_stack(*thread);
  unblock_stop_signal();
  thread->poll_word = &own_poll_word();
  thread->vforks = &osr_vforks;
  Undisturbed undisturbed;
  Lock lock(mutex_);
  own_poll_word() = usual_poll_word();
  process_ = getpid();
  made_.give_away({thread->stack_begin, thread->stack_high});
  current_thread = thread.get();
  threads_.push_back(std::move(thread));
  most_ = std::max(most_.load(), threads_.size());
  return *current_thread;
}

void ThreadRegistry::remove_current() {
  if (!current_thread)
    return;
  Undisturbed undisturbed;
  std::unique_ptr<ProgramThread> ended;
  {
    Lock lock(mutex_);
    auto found = find_if(threads_, [](const auto &thread) { return thread.get() == current_thread; });
    OSR_CHECK(found != threads_.end(), "thread {} is not in the registry", current_thread->tid);
    ended = std::move(*found);
    threads_.erase(found);
    own_poll_word() = PollWord::None;
    current_thread = nullptr; // a signal that was sent before finds nothing to stop
  }
  // A thread that was cancelled or called pthread_exit leaves its objects behind.
  osr_object_stack_top = ended->objects->base();
}

void ThreadRegistry::add_suspended(ProgramThread &stack) {
  stack.is_suspended = true;
  stack.suspended_index = suspended_.size();
  suspended_.push_back(&stack);
}

void ThreadRegistry::remove_suspended(ProgramThread &stack) {
  if (!std::exchange(stack.is_suspended, false))
    return;
  ProgramThread *last = suspended_.back();
  suspended_[stack.suspended_index] = last;
  last->suspended_index = stack.suspended_index;
  suspended_.pop_back();
}

bool ThreadRegistry::make_stack(Extent memory, std::uint64_t sp) {
  Undisturbed undisturbed;
  Lock lock(mutex_);
  has_made_ = true;
  const bool is_added = made_.add(memory, sp);
  if (made_.are_nested() || any_of(threads_, [&](const auto &thread) { return thread->is_own_stack(memory.begin); }))
    has_nested_ = true;
  return is_added;
}

void ThreadRegistry::begin_flipping() {
  Undisturbed undisturbed;
  Lock lock(mutex_);
  if (flipping_++ == 0)
    set_usual_poll_word(PollWord::FlipEach);
}

void ThreadRegistry::end_flipping() {
  Undisturbed undisturbed;
  Lock lock(mutex_);
  if (--flipping_ == 0)
    set_usual_poll_word(PollWord::None);
}

void ThreadRegistry::set_usual_poll_word(PollWord word) {
  usual_poll_word_ = word;
  for (const auto &thread : threads_)
    *thread->poll_word = word;
}

void ThreadRegistry::keep_only_current() {
  mutex_.forget_waiting();
  for (std::unique_ptr<ProgramThread> &thread : threads_)
    if (thread.get() != current_thread)
      (void)thread
          .release(); // its stacks are copies that nobody can free safely: their owner's allocator state is unknown
  erase_if(threads_, [](const auto &thread) { return !thread; });
  process_ = getpid();
  if (current_thread)
    current_thread->tid = osr_thread_number = gettid();
}

ThreadRegistry &process_threads() {
  static auto &threads = *new ThreadRegistry;
  return threads;
}

} // namespace osr
