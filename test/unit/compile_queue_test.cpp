// Checks the bounded queue of functions to optimise.
#include "runtime/tiering/compile_queue.h"
#include "test/support/catch_header.h"

#include <array>
#include <atomic>
#include <latch>

using namespace osr;

TEST_CASE("A full queue takes no more, and takes again when there is room") {
  std::array<HeatCounter, 4> counters;
  std::latch begun(1), go(1);
  std::atomic<int> done = 0;
  {
    CompileQueue queue(2, 1, [&](CompileQueue::Item item) {
      if (item.counter == &counters[0]) {
        begun.count_down();
        go.wait();
      }
      ++done;
      done.notify_all();
    });
    CHECK(queue.add({&counters[0], NoticedBy::Entry}));
    begun.wait(); // it is being worked on, and no longer in the queue
    CHECK(queue.add({&counters[1], NoticedBy::Entry}));
    CHECK(queue.add({&counters[2], NoticedBy::Loop}));
    CHECK_FALSE(queue.add({&counters[3], NoticedBy::Sampler}));
    CHECK(queue.most_waiting() == 2);
    go.count_down();
    for (int now; (now = done) != 3;)
      done.wait(now);
    CHECK(queue.add({&counters[3], NoticedBy::Sampler}));
    for (int now; (now = done) != 4;)
      done.wait(now);
  }
  CHECK(done == 4);
}

TEST_CASE("Without threads the work is done at once, in the thread that brings it") {
  HeatCounter counter;
  std::vector<std::thread::id> threads;
  CompileQueue queue(1, 0, [&](CompileQueue::Item) { threads.push_back(std::this_thread::get_id()); });
  CHECK(queue.add({&counter, NoticedBy::Entry}));
  CHECK(queue.add({&counter, NoticedBy::Entry}));
  CHECK(threads == std::vector(2, std::this_thread::get_id()));
}

TEST_CASE("The end of a queue drops what waits and waits for what has begun") {
  std::array<HeatCounter, 2> counters;
  std::latch begun(1);
  std::atomic<int> done = 0;
  {
    CompileQueue queue(2, 1, [&](CompileQueue::Item) {
      begun.count_down();
      ++done;
    });
    CHECK(queue.add({&counters[0], NoticedBy::Entry}));
    begun.wait();
  }
  CHECK(done == 1);
}

TEST_CASE("An end by a time leaves alone what has begun") {
  std::array<HeatCounter, 3> counters;
  std::latch begun(1), go(1);
  std::atomic<int> done = 0;
  CompileQueue queue(2, 1, [&](CompileQueue::Item) {
    begun.count_down();
    go.wait();
    ++done;
  });
  CHECK(queue.add({&counters[0], NoticedBy::Entry}));
  begun.wait();
  CHECK(queue.add({&counters[1], NoticedBy::Entry})); // waits, and is dropped
  CHECK_FALSE(queue.end_by(std::chrono::steady_clock::now()));
  CHECK(queue.begun() == 1);
  CHECK(done == 0);
  CHECK_FALSE(queue.add({&counters[2], NoticedBy::Entry}));
  go.count_down();
  CHECK(queue.end_by(std::chrono::steady_clock::time_point::max()));
  CHECK(done == 1);
  CHECK(queue.begun() == 0);
}
