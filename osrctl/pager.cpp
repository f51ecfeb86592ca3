#include "osrctl/pager.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Program.h>
#include <llvm/Support/Unicode.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

/// False: or nobody knows how large it is.
bool is_too_large(StringRef text) {
  winsize size{};
  if (!::isatty(STDOUT_FILENO) || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || !size.ws_row || !size.ws_col)
    return false;
  unsigned lines = 0;
  for (; !text.empty(); ++lines) {
    const auto [line, rest] = text.split('\n');
    const int width = sys::unicode::columnWidthUTF8(line);
    if (width > int(size.ws_col) || (width < 0 && line.size() > size.ws_col))
      return true;
    text = rest;
  }
  return lines >= size.ws_row; // a prompt comes below
}

/// "": there is none.
std::string pager() {
  if (const char *wanted = std::getenv("PAGER"); wanted && *wanted)
    return wanted;
  return sys::findProgramByName("less") ? "less" : "";
}

/// The interrupt key, and a pager that is left early, are no matter of ours meanwhile.
class LeftAlone {
public:
  LeftAlone() {
    struct sigaction ignore{};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGINT, &ignore, &interrupt_);
    ::sigaction(SIGPIPE, &ignore, &pipe_);
  }
  ~LeftAlone() {
    ::sigaction(SIGINT, &interrupt_, nullptr);
    ::sigaction(SIGPIPE, &pipe_, nullptr);
  }

private:
  struct sigaction interrupt_{}, pipe_{};
};

/// False: there is no such program.
bool page(const std::string &text, const std::string &command) {
  // As git does: what fits is left there, colours are. And lines are cut where the terminal ends; arrow keys move them.
  ::setenv("LESS", "FRSX", /*overwrite=*/0);
  std::FILE *to = ::popen(command.c_str(), "we");
  if (!to)
    return false;
  const LeftAlone left_alone; // the pager has begun: it does not inherit that
  std::fwrite(text.data(), 1, text.size(), to);
  const int ended = ::pclose(to);
  return ended != -1 && !(WIFEXITED(ended) && WEXITSTATUS(ended) == 127); // 127: the shell's
}

} // namespace

void show_text(const std::string &text) {
  std::fflush(stdout);
  if (const std::string command = is_too_large(text) ? pager() : ""; !command.empty() && page(text, command))
    return;
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

} // namespace osr
