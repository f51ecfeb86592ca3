#include "osrctl/child_process.h"

#include "compiler/base/error.h"
#include "osrctl/file_descriptor.h"

#include <llvm/Support/Errno.h>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

[[noreturn]] void become(std::vector<char *> command, int input, int output) {
  int dropped = open("/dev/null", O_WRONLY);
  if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 && dup2(dropped, STDERR_FILENO) >= 0)
    execv(command[0], command.data());
  _exit(127);
}

std::string read_all(int file) {
  std::string text;
  char buffer[1 << 16];
  lseek(file, 0, SEEK_SET);
  for (ssize_t count; (count = read(file, buffer, sizeof(buffer))) > 0;)
    text.append(buffer, std::size_t(count));
  return text;
}

/// False if the process still runs after that time.
bool wait_until_ended(int process, unsigned seconds) {
  pollfd wanted{process, POLLIN, 0};
  int count;
  do
    count = poll(&wanted, 1, int(seconds) * 1000);
  while (count < 0 && errno == EINTR);
  return count > 0;
}

} // namespace

std::string to_string(const Outcome &outcome) {
  std::string end = outcome.timed_out             ? "no end in time"
                    : WIFSIGNALED(outcome.status) ? fmt::format("killed by signal {}", WTERMSIG(outcome.status))
                                                  : fmt::format("exit status {}", WEXITSTATUS(outcome.status));
  return fmt::format("{}, {} bytes of output", end, outcome.output.size());
}

Expected<Outcome> run_child(const std::vector<std::string> &command, const ChildOptions &options) {
  FileDescriptor input(open(options.input.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input.is_open())
    return make_error("cannot read '{}': {}", options.input, sys::StrError());
  FileDescriptor output(memfd_create("osrctl-output", MFD_CLOEXEC)); // a file, so that nobody has to empty a pipe
  if (!output.is_open())
    return make_error("cannot keep a program's output: {}", sys::StrError());
  std::vector<char *> words;
  words.reserve(command.size() + 1);
  for (const std::string &word : command)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);

  pid_t child = fork();
  if (child < 0)
    return make_error("cannot start '{}': {}", command[0], sys::StrError());
  if (child == 0)
    become(words, input.number(), output.number());
  FileDescriptor process(int(syscall(SYS_pidfd_open, child, 0)));
  Outcome outcome;
  outcome.timed_out = !wait_until_ended(process.number(), options.seconds);
  if (outcome.timed_out)
    kill(child, SIGKILL);
  waitpid(child, &outcome.status, 0);
  outcome.output = read_all(output.number());
  return outcome;
}

} // namespace osr
