// Checks the runtime's own threads by themselves: the queue of requests, the loop that frees, what they are made of.
#include "runtime/engine/reclaimer.h"
#include "runtime/process/ticker.h"
#include "runtime/requests/request_queue.h"
#include "test/support/catch_header.h"

#include <latch>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using namespace osr;

namespace {

/// Runs `work(number)` in `count` threads at once, and waits for all.
template <typename Work> void in_threads(unsigned count, Work work) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back(work, i);
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace

TEST_CASE("Requests of several threads are carried out one at a time, each once, and all who wait are answered") {
  constexpr unsigned asking = 4, each = 100;
  std::atomic<unsigned> answered = 0, wrong = 0;
  unsigned inside = 0, carried_out = 0; // not atomic: only one request runs at a time
  {
    RequestQueue queue;
    in_threads(asking, [&](unsigned thread) {
      for (unsigned i = 0; i < each; ++i) {
        auto request = queue.add([&, number = thread * each + i](const std::atomic<bool> &) {
          ReplaceOutcome outcome;
          outcome.rewritten = number;
          outcome.running = inside++;
          ++carried_out;
          --inside;
          return Expected<ReplaceOutcome>(std::move(outcome));
        });
        auto outcome = request->wait();
        wrong += !outcome || outcome->rewritten != thread * each + i || outcome->running != 0 || !request->is_done();
        ++answered;
      }
    });
  }
  CHECK(answered == asking * each);
  CHECK(carried_out == asking * each);
  CHECK(wrong == 0);
}

TEST_CASE("A queue that ends cancels what is under way and answers everybody") {
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> begun = false;
    std::vector<std::shared_ptr<PendingRequest>> requests;
    {
      RequestQueue queue;
      for (int i = 0; i < 3; ++i)
        requests.push_back(queue.add([&](const std::atomic<bool> &is_cancelled) -> Expected<ReplaceOutcome> {
          begun = true;
          while (!is_cancelled)
            std::this_thread::yield();
          return createStringError("cancelled");
        }));
      while (!begun)
        std::this_thread::yield();
      if (round % 2)
        std::thread([&] { requests.front()->cancel(); }).join();
    }
    for (const auto &request : requests) {
      CHECK(request->is_done());
      CHECK(toString(request->wait().takeError()) == "cancelled");
    }
  }
}

TEST_CASE("Whenever the loop that frees is told of something, it looks afterwards") {
  std::atomic<unsigned> wanted = 0, seen = 0; // a look sees what was wanted before it began
  ReclaimLoop loop([&] {
    seen = wanted.load();
    return seen % 3 == 1; // something is left now and then
  });
  in_threads(3, [&](unsigned) {
    for (int i = 0; i < 300; ++i) {
      const unsigned mine = ++wanted;
      loop.notify();
      while (seen < mine)
        std::this_thread::yield();
    }
  });
  CHECK(seen == 900);
}

TEST_CASE("What ticks is done in one other thread until the end, and not after it") {
  const std::thread::id self = std::this_thread::get_id();
  for (int round = 0; round < 20; ++round) {
    std::atomic<unsigned> ticks = 0;
    unsigned in_self = 0, last = 0; // not atomic: they are written by one thread and read when it has ended
    {
      Ticker ticker("test", 100'000, [&] {
        in_self += std::this_thread::get_id() == self;
        last = ++ticks;
      });
      while (ticks < 10)
        std::this_thread::yield();
    }
    CHECK(in_self == 0);
    CHECK(last == ticks);
  }
}

TEST_CASE("Worker threads may be started by several threads at once, with the program's signals blocked") {
  std::atomic<unsigned> started = 0, ran = 0, blocked = 0;
  in_threads(3, [&](unsigned) {
    for (int i = 0; i < 50; ++i) {
      bool is_left = true;
      WorkerThreads worker({.name = "test", .at_end = WorkerThreads::AtEnd::Finish}, [&]() -> WorkerThreads::Next {
        if (!std::exchange(is_left, false))
          return {};
        return {.work = [&] {
          sigset_t mask;
          pthread_sigmask(SIG_BLOCK, nullptr, &mask);
          blocked += sigismember(&mask, SIGUSR1) == 1;
          ++ran;
        }};
      });
      Lock lock(worker.mutex());
      started += worker.notify();
    }
  });
  CHECK(started == 150);
  CHECK(ran == 150);
  CHECK(blocked == 150);
}

TEST_CASE("Several threads share the work, and what waits at the end is dropped or finished") {
  for (const auto at_end : {WorkerThreads::AtEnd::Drop, WorkerThreads::AtEnd::Finish}) {
    std::latch begun(2), go(1);
    std::atomic<unsigned> done = 0, left = 0;
    unsigned waiting = 5;
    WorkerThreads workers({.name = "test", .threads = 2, .at_end = at_end, .last = [&] { ++left; }},
                          [&]() -> WorkerThreads::Next {
                            if (waiting == 0)
                              return {};
                            --waiting;
                            return {.work = [&, waits = waiting >= 3] {
                              if (waits) {
                                begun.count_down();
                                go.wait();
                              }
                              ++done;
                            }};
                          });
    {
      Lock lock(workers.mutex());
      CHECK(workers.start());
      CHECK(workers.notify());
    }
    begun.wait(); // both are at work
    CHECK_FALSE(workers.end_by({}));
    {
      Lock lock(workers.mutex());
      CHECK(workers.begun() == 2);
    }
    go.count_down();
    CHECK(workers.end_by(WorkerThreads::Clock::time_point::max()));
    CHECK(left == 2);
    CHECK(done == (at_end == WorkerThreads::AtEnd::Drop ? 2 : 5));
    Lock lock(workers.mutex());
    CHECK(waiting == (at_end == WorkerThreads::AtEnd::Drop ? 3 : 0));
  }
}

TEST_CASE("In the child of a fork nobody waits for the threads of the parent") {
  std::latch begun(1), go(1);
  bool waits = false; // guarded by the mutex
  auto worker = std::make_unique<WorkerThreads>(WorkerThreads::Options{.name = "test", .threads = 2},
                                                [&, is_left = true]() mutable {
                                                  WorkerThreads::Next next;
                                                  if (std::exchange(is_left, false))
                                                    next.work = [&] {
                                                      begun.count_down();
                                                      go.wait();
                                                    };
                                                  else
                                                    waits = true;
                                                  return next;
                                                });
  {
    Lock lock(worker->mutex());
    CHECK(worker->notify());
  }
  begun.wait();
  for (bool is_one_waiting = false; !is_one_waiting;) { // it has the mutex until it does
    Lock lock(worker->mutex());
    is_one_waiting = waits;
  }
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    worker.reset();
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 7);
  go.count_down();
}
