// Files of the runtime's own are out of the program's reach, whatever numbers they have, and the other way round.
#include "runtime/process/file_thread.h"
#include "test/unit/code_test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace osr;
using namespace osr::test;

namespace {

constexpr int most_numbers = 256;

int open_numbers() {
  int count = 0;
  for (int number = 0; number != most_numbers; ++number)
    count += ::fcntl(number, F_GETFD) >= 0;
  return count;
}

std::string content_of(int file) {
  std::string text(64, '\0');
  text.resize(std::size_t(::pread(file, text.data(), text.size(), 0)));
  return text;
}

int temporary() { return ::memfd_create("test", MFD_CLOEXEC); }

} // namespace

TEST_CASE("a file of a file thread has no number in the process") {
  const int before = open_numbers();
  const auto files = value_of(FileThread::start("test files"));
  int own = -1;
  std::string written;
  files->run([&] { own = temporary(); });
  CHECK(own >= 3); // what somebody prints in that thread does not land in it
  CHECK(open_numbers() == before);

  // The process gives the same number to another file, closes it, and opens it again.
  const int other = ::fcntl(temporary(), F_DUPFD, own);
  REQUIRE(::dup2(other, own) == own);
  files->run([&] { CHECK(write_all(own, "of the runtime")); });
  CHECK(content_of(own).empty());
  ::close(own);
  files->post([&] { CHECK(write_all(own, ", more")); });
  files->run([&] { written = content_of(own); });
  CHECK(written == "of the runtime, more");

  // And what the thread does with its numbers does not concern the process.
  REQUIRE(::dup2(other, own) == own);
  files->run([&] { ::close(own); });
  CHECK(write_all(own, "of the process"));
  CHECK(content_of(other) == "of the process");
}

TEST_CASE("a file thread holds nothing of the process open") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const auto files = value_of(FileThread::start("test files"));
  ::close(ends[1]);
  char byte = 0;
  CHECK(::read(ends[0], &byte, 1) == 0); // else it would wait for ever
  ::close(ends[0]);
}

TEST_CASE("in the child of a fork a file thread does nothing") {
  const auto files = value_of(FileThread::start("test files"));
  const pid_t child = ::fork();
  if (child == 0) {
    bool was_called = false;
    files->post([&] { was_called = true; });
    files->run([&] { was_called = true; });
    ::_exit(was_called ? 1 : 0);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("what cannot be written is said") {
  CHECK_FALSE(write_all(-1, "text"));
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  REQUIRE(full >= 0);
  CHECK_FALSE(write_all(full, "text"));
  ::close(full);
}
