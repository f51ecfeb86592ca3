#include "test/unit/threads_fixture.h"

#include <cstring>
#include <unistd.h>

using namespace llvm;

namespace osr {

TestThread::TestThread(ThreadRegistry &registry, Body body, bool then_spin)
    : thread_([this, &registry, body = std::move(body), then_spin] {
        cantFail(registry.add_current(small_object_stack));
        tid_ = gettid();
        tid_.notify_all();
        body(*this);
        if (then_spin) {
          spinning_ = true;
          spinning_.notify_all();
          spin();
        }
        if (!forgotten_)
          registry.remove_current();
      }) {
  tid_.wait(0);
}

void TestThread::wait_for_progress() const {
  for (std::uint64_t before = count(); count() == before;)
    std::this_thread::yield();
}

void TestThread::wait_until_counting() const {
  while (count() == 0)
    std::this_thread::yield();
}

void TestThread::wait_until_spinning() const { spinning_.wait(false); }

void TestThread::join() {
  ending_ = true;
  if (thread_.joinable())
    thread_.join();
}

void TestThread::forget() {
  forgotten_ = true;
  join();
}

void Stopper::stop_inside(const TestThread &thread, long call, function_ref<void()> work) {
  stop_inside(thread.tid(), call, work);
}

void Stopper::stop_inside(pid_t tid, long call, function_ref<void()> work) {
  for (bool found = false; !found;)
    stop([&](StoppedThreads threads) {
      for (const auto &thread : threads)
        if (thread->tid == tid && will_restart(*thread, call)) {
          work();
          found = true;
        }
    });
}

Pipe::Pipe() {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  reading = ends[0];
  writing = ends[1];
}

Pipe::~Pipe() {
  close(reading);
  close(writing);
}

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous_);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

bool all_but_current_stopped(StoppedThreads threads) {
  return all_of(threads, [](const auto &thread) {
    return thread == ThreadRegistry::current() || thread->stop == StopState::Stopped;
  });
}

bool will_restart(const ProgramThread &thread, long call) {
  constexpr unsigned char instruction[] = {0x0f, 0x05}; // syscall
  const greg_t *registers = thread.context->uc_mcontext.gregs;
  return registers[REG_RAX] == call &&
         std::memcmp(reinterpret_cast<const void *>(registers[REG_RIP]), instruction, sizeof(instruction)) == 0;
}

} // namespace osr
