// Runs a program with requests once for each system call of the runtime that can fail, and lets that one fail.
//
//   $ system_faults PROGRAM.bc
//
// Each time the program must go on and find the right result, or must not start, with an error that says why. The
// calls are those that go through the executable's symbols: the C library's own are not among them.
#include "runtime/guest/program_exit.h"
#include "test/requests/request_calls.h"
#include "test/support/host_program.h"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace osr;

namespace {

enum class Call { Mmap, Mprotect, Mremap, Madvise };
constexpr const char *names[] = {"mmap", "mprotect", "mremap", "madvise"};
constexpr int no_fault = 0;
constexpr unsigned patience_seconds = 120;

/// Shared by a run and the processes that it forks.
struct SystemFault {
  Call call;
  int number; ///< which of these calls fails
  std::atomic<int> seen;
};
SystemFault *fault = nullptr;

bool fails(Call call, int error) {
  if (!fault || fault->call != call || fault->seen.fetch_add(1) + 1 != fault->number)
    return false;
  errno = error;
  return true;
}

struct Run {
  int status = 0;
  bool has_failed = false; ///< there was a call of that number
  std::string messages;
};

[[noreturn]] void run_program(const char *path) {
  alarm(patience_seconds);
  auto loaded = load_host_program(path, {});
  if (!loaded) {
    std::fprintf(stderr, "system_faults: %s\n", llvm::toString(loaded.takeError()).c_str());
    _exit(1);
  }
  runtime_of_requests = *loaded;
  auto status = runtime_of_requests->run_main({path});
  if (!status) {
    std::fprintf(stderr, "system_faults: %s\n", llvm::toString(status.takeError()).c_str());
    _exit(1);
  }
  exit_program(*status);
}

Run run_with(Call call, int number, const char *path) {
  fault->call = call;
  fault->seen = 0;
  fault->number = number;
  const int messages = int(syscall(SYS_memfd_create, "messages", 0));
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(messages, STDERR_FILENO);
    run_program(path);
  }
  Run run;
  waitpid(child, &run.status, 0);
  run.has_failed = fault->seen >= number;
  fault->number = no_fault;
  run.messages.resize(std::size_t(lseek(messages, 0, SEEK_END)));
  (void)!pread(messages, run.messages.data(), run.messages.size(), 0);
  close(messages);
  return run;
}

/// Went on with the right result, or said why it did not start.
bool is_right(const Run &run) {
  if (!WIFEXITED(run.status))
    return false;
  const bool says_why =
      run.messages.find("cannot") != run.messages.npos || run.messages.find("failed") != run.messages.npos;
  return WEXITSTATUS(run.status) == 0 || (WEXITSTATUS(run.status) == 1 && says_why);
}

} // namespace

extern "C" {
void *mmap(void *address, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
  if (fails(Call::Mmap, ENOMEM))
    return MAP_FAILED;
  return reinterpret_cast<void *>(syscall(SYS_mmap, address, size, protection, flags, file, offset));
}
int mprotect(void *address, std::size_t size, int protection) noexcept {
  return fails(Call::Mprotect, ENOMEM) ? -1 : int(syscall(SYS_mprotect, address, size, protection));
}
void *mremap(void *from, std::size_t size, std::size_t new_size, int flags, ...) noexcept {
  if (fails(Call::Mremap, ENOMEM))
    return MAP_FAILED;
  va_list more;
  va_start(more, flags);
  void *to = flags & MREMAP_FIXED ? va_arg(more, void *) : nullptr;
  va_end(more);
  return reinterpret_cast<void *>(syscall(SYS_mremap, from, size, new_size, flags, to));
}
int madvise(void *address, std::size_t size, int advice) noexcept {
  return fails(Call::Madvise, ENOMEM) ? -1 : int(syscall(SYS_madvise, address, size, advice));
}
}

int main(int argc, char **argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: system_faults PROGRAM.bc\n");
    return 2;
  }
  fault =
      new (mmap(nullptr, sizeof(SystemFault), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) SystemFault{};
  int went_on = 0, refused = 0, wrong = 0;
  for (Call call : {Call::Mmap, Call::Mprotect, Call::Mremap, Call::Madvise})
    for (int number = 1;; ++number) {
      Run run = run_with(call, number, argv[1]);
      if (!run.has_failed && run.status == 0)
        break;
      const bool right = is_right(run);
      ++(!right ? wrong : run.status == 0 ? went_on : refused);
      fmt::print("{} {} fails: {}{}{}\n", names[int(call)], number,
                 !right            ? fmt::format("WRONG, status {:#x}", run.status)
                 : run.status == 0 ? "went on"
                                   : "refused",
                 run.messages.empty() ? "" : ": ", run.messages.substr(0, run.messages.find('\n')));
      if (!right)
        std::fputs(run.messages.c_str(), stdout);
      if (!run.has_failed)
        return 1; // wrong without a fault
    }
  fmt::print("{} runs went on, {} were refused, {} were wrong\n", went_on, refused, wrong);
  return wrong == 0 && went_on > 0 && refused > 0 ? 0 : 1;
}
