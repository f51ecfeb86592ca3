// Check that messages of the C library begin with the program's name: err, error, getopt, assert, in main and in depth.

#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <err.h>
#include <error.h>
#include <getopt.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

std::string path, name;

/// What a child that does `what` writes to stderr, with its status; the program's name and its path are shown as %.
template <typename What> void show(const char *title, What what) {
  std::fflush(stdout);
  int ends[2];
  if (pipe(ends) != 0)
    std::exit(1);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    what();
    _exit(0);
  }
  close(ends[1]);
  int status = 0;
  waitpid(child, &status, 0); // the pipe holds it all; how often is read then does not depend on who is how fast
  std::string text;
  char buffer[256];
  for (ssize_t size; (size = read(ends[0], buffer, sizeof buffer)) > 0;)
    text.append(buffer, size_t(size));
  close(ends[0]);
  for (const std::string &from : {path, name})
    for (size_t at; (at = text.find(from)) != std::string::npos;)
      text.replace(at, from.size(), "%");
  if (const size_t source = text.find("messages_of_the_library.cpp"); source != std::string::npos)
    text = text.substr(0, text.find(": ") + 2) + "an assertion"; // the rest names the file as the compiler was given it
  std::printf("%s: %s [%x]\n", title, text.c_str(), unsigned(status));
}

struct Note {
  int &ended;
  ~Note() { ++ended; }
};

[[gnu::noinline]] int fail_at(int depth, int &ended) {
  const Note note{ended};
  if (depth == 0) {
    errno = ENOENT;
    err(7, "after %d", ended);
  }
  return fail_at(depth - 1, ended) + 1;
}

void read_options(const char *option) {
  std::string first = path, second = option;
  char *arguments[] = {first.data(), second.data(), nullptr};
  static const ::option known[] = {{"known", required_argument, nullptr, 'k'}, {}};
  optind = 0;
  while (getopt_long(2, arguments, "a:", known, nullptr) != -1) {
  }
}

} // namespace

int main(int argc, char **argv) {
  const int scale = argc > 1 ? std::atoi(argv[1]) : 100;
  path = argv[0];
  name = path.substr(path.rfind('/') + 1);
  show("warn and error", [] {
    errno = EINTR;
    warn("number %d", 5);
    warnx("without a reason");
    read_options("-x");
    read_options("-a");
    read_options("--known");
    error(9, EACCES, "a file");
  });
  show("assertion", [] {
    const int wrong = 1;
    assert(wrong == 2);
  });
  show("in depth", [scale] {
    int ended = 0;
    fail_at(20 * scale, ended);
  });
}
