// Who hears what happens in the child of a fork.
#include "runtime/events/trace.h"
#include "runtime/process/fork_handlers.h"
#include "test/support/catch_header.h"

#include <nlohmann/json.hpp>

#include <latch>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace osr;

namespace {

void tell(const char *name) {
  if (Trace *trace = Trace::active())
    trace->instant("test", name, nlohmann::json::object());
}

pid_t raw_fork() {
  before_raw_fork();
  const pid_t child = _Fork();
  after_raw_fork(child == 0 ? ForkSide::Child : ForkSide::Parent);
  return child;
}

} // namespace

TEST_CASE("A child that listens hears what it does, though another thread of its parent was telling something") {
  const auto make_child = GENERATE(&fork, &raw_fork);
  std::latch is_telling(1), go(1);
  Trace::listen([&](const Trace::Event &) {
    is_telling.count_down();
    go.wait();
  });
  std::thread teller([] { tell("in the parent"); });
  is_telling.wait();
  const pid_t child = make_child();
  if (child == 0) {
    alarm(60);
    tell("nobody hears that");
    int heard = 0;
    Trace::listen([&](const Trace::Event &event) { heard += event.name == "in the child"; });
    tell("in the child");
    Trace::listen(nullptr);
    tell("in the child");
    _exit(heard == 1 ? 7 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 7);
  go.count_down();
  teller.join();
  Trace::listen(nullptr);
  CHECK_FALSE(Trace::active());
}
