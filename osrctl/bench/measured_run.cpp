#include "osrctl/bench/measured_run.h"

#include "compiler/base/error.h"
#include "osrctl/file_descriptor.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Errno.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

using namespace llvm;

namespace osr {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_of(const timeval &time) { return double(time.tv_sec) + double(time.tv_usec) * 1e-6; }

/// Both ends of what a program writes to: a pipe, or a terminal that changes no byte.
struct Channel {
  FileDescriptor read_end, write_end;
};

Expected<Channel> open_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return make_error("cannot make a pipe: {}", sys::StrError());
  return Channel{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Expected<Channel> open_terminal() {
  Channel result;
  result.read_end = FileDescriptor(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  char name[64];
  if (!result.read_end.is_open() || grantpt(result.read_end.number()) != 0 || unlockpt(result.read_end.number()) != 0 ||
      ptsname_r(result.read_end.number(), name, sizeof(name)) != 0)
    return make_error("cannot make a pseudo-terminal: {}", sys::StrError());
  result.write_end = FileDescriptor(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings;
  if (!result.write_end.is_open() || tcgetattr(result.write_end.number(), &settings) != 0)
    return make_error("cannot open pseudo-terminal {}: {}", name, sys::StrError());
  cfmakeraw(&settings);
  tcsetattr(result.write_end.number(), TCSANOW, &settings);
  return result;
}

std::string end_of_file(int file) {
  constexpr off_t most = 1 << 16;
  const off_t size = lseek(file, 0, SEEK_END);
  std::string text(std::size_t(std::clamp<off_t>(size, 0, most)), '\0');
  const ssize_t count = pread(file, text.data(), text.size(), std::max<off_t>(0, size - most));
  text.resize(std::size_t(std::max<ssize_t>(0, count)));
  return text;
}

/// The most memory that a process ever had. What wait4 says is no less than what the process that started it had.
class MemoryWatch {
public:
  explicit MemoryWatch(pid_t process)
      : file_(open(fmt::format("/proc/{}/status", process).c_str(), O_RDONLY | O_CLOEXEC)) {}

  void look() {
    char buffer[4096];
    const ssize_t count = pread(file_.number(), buffer, sizeof(buffer), 0);
    StringRef text(buffer, std::size_t(std::max<ssize_t>(0, count)));
    std::uint64_t kilobytes = 0;
    text = text.split("VmHWM:").second.ltrim();
    if (!text.consumeInteger(10, kilobytes))
      most_ = std::max(most_, kilobytes << 10);
  }
  std::uint64_t most() const { return most_; }

private:
  FileDescriptor file_;
  std::uint64_t most_ = 0;
};

/// A child that runs, with what it writes and how long it may.
class Child {
public:
  Child(pid_t process, FileDescriptor output, Clock::time_point start)
      : process_(process), handle_(int(syscall(SYS_pidfd_open, process, 0))), output_(std::move(output)),
        start_(start) {}

  /// Until it ended or its time is over; then it is waited for.
  MeasuredRun follow(unsigned seconds, WatchMemory watch);

private:
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  bool read_some();
  void end(rusage &usage);

  pid_t process_;
  FileDescriptor handle_, output_;
  Clock::time_point start_;
  std::uint64_t line_count_ = 0;
  MeasuredRun result_;
};

/// False if there is nothing to be read now, or never again.
bool Child::read_some() {
  char buffer[1 << 16];
  const ssize_t count = read(output_.number(), buffer, sizeof(buffer));
  if (count <= 0) {
    if (count == 0 || (errno != EAGAIN && errno != EINTR))
      output_.reset(); // all writers closed it; a terminal says EIO then
    return false;
  }
  const double now = elapsed();
  if (!result_.first_output_seconds)
    result_.first_output_seconds = now;
  result_.outcome.output.append(buffer, std::size_t(count));
  line_count_ += std::uint64_t(std::count(buffer, buffer + count, '\n'));
  constexpr double resolution = 0.0005;
  if (!result_.lines.empty() && now - result_.lines.back().first < resolution)
    result_.lines.back().second = line_count_;
  else
    result_.lines.emplace_back(now, line_count_);
  return true;
}

void Child::end(rusage &usage) {
  if (result_.outcome.timed_out)
    kill(process_, SIGKILL);
  while (wait4(process_, &result_.outcome.status, 0, &usage) < 0 && errno == EINTR)
    ;
  result_.wall_seconds = elapsed();
  while (output_.is_open() && read_some()) // what a child of its own still writes is not waited for
    ;
}

MeasuredRun Child::follow(unsigned seconds, WatchMemory watch) {
  constexpr int look_each_milliseconds = 1;
  MemoryWatch memory(process_);
  fcntl(output_.number(), F_SETFL, O_NONBLOCK);
  for (bool ended = false; !ended;) {
    const double left = double(seconds) - elapsed();
    if ((result_.outcome.timed_out = left <= 0))
      break;
    if (watch == WatchMemory::Yes)
      memory.look();
    pollfd files[] = {{handle_.number(), POLLIN, 0}, {output_.number(), POLLIN, 0}};
    poll(files, 2, watch == WatchMemory::Yes ? look_each_milliseconds : int(left * 1000) + 1);
    if (files[1].revents != 0)
      read_some();
    ended = files[0].revents != 0;
  }
  rusage usage{};
  end(usage);
  result_.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  result_.memory_bytes = memory.most();
  return std::move(result_);
}

/// The number of the process that runs `command` with these files.
Expected<pid_t> start(const Command &command, int input, int output, int errors) {
  std::vector<char *> words;
  words.reserve(command.argv.size() + 1);
  for (const std::string &word : command.argv)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
  pid_t process = -1;
  const int error = posix_spawn(&process, command.file.c_str(), &files, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    return make_error("cannot start '{}': {}", command.file, sys::StrError(error));
  return process;
}

} // namespace

std::string to_string(const Command &command) {
  std::string text = command.file;
  for (const std::string &word : ArrayRef(command.argv).drop_front()) {
    const bool plain =
        !word.empty() && StringRef(word).find_first_of(" \t\n'\"\\$&|;<>()*?[]#~`!{}") == StringRef::npos;
    text += plain ? " " + word : " '" + word + "'";
  }
  return text;
}

Expected<MeasuredRun> measure_run(const Command &command, const RunLimits &limits, WatchMemory watch) {
  FileDescriptor input(open(limits.input.c_str(), O_RDONLY | O_CLOEXEC));
  if (!input.is_open())
    return make_error("cannot read '{}': {}", limits.input, sys::StrError());
  FileDescriptor errors(memfd_create("osrctl-errors", MFD_CLOEXEC));
  if (!errors.is_open())
    return make_error("cannot keep a program's errors: {}", sys::StrError());
  auto channel = limits.terminal ? open_terminal() : open_pipe();
  if (!channel)
    return channel.takeError();
  const auto begin = Clock::now();
  auto process = start(command, input.number(), channel->write_end.number(), errors.number());
  if (!process)
    return process.takeError();
  channel->write_end.reset();
  MeasuredRun result = Child(*process, std::move(channel->read_end), begin).follow(limits.seconds, watch);
  result.errors = end_of_file(errors.number());
  return result;
}

} // namespace osr
