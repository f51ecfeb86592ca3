#include "runtime/process/file_thread.h"

#include "compiler/base/error.h"

#include <llvm/Support/Errno.h>

#include <cerrno>
#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

namespace osr {
namespace {

/// Leaves the calling thread with a table of descriptors that nobody shares. Its first three lead nowhere: what somebody
/// prints in this thread must not land in a file that got such a number. The error's number, or 0.
int leave_shared_descriptors() {
  if (::close_range(0, ~0u, CLOSE_RANGE_UNSHARE) != 0)
    return errno;
  for (int i = 0; i != 3; ++i)
    (void)!::open("/dev/null", O_RDWR | O_CLOEXEC);
  return 0;
}

} // namespace

FileThread::FileThread(const char *name)
    : process_(::getpid()), thread_({.name = name,
                                     .at_end = WorkerThreads::AtEnd::Finish,
                                     .first = [this] { apart_.set_value(leave_shared_descriptors()); }},
                                    [this]() OSR_REQUIRES(thread_.mutex()) { return next(); }) {}

llvm::Expected<std::unique_ptr<FileThread>> FileThread::start(const char *name) {
  std::unique_ptr<FileThread> files(new FileThread(name));
  std::future<int> error = files->apart_.get_future();
  {
    Lock lock(files->thread_.mutex());
    if (!files->thread_.start())
      return make_error("there is no thread for files: the system has none left");
  }
  if (const int number = error.get())
    return make_error("a thread cannot have files of its own: close_range failed: {}", llvm::sys::StrError(number));
  return files;
}

WorkerThreads::Next FileThread::next() {
  if (posted_.empty())
    return {};
  std::function<void()> work = std::move(posted_.front());
  posted_.pop_front();
  return {.work = std::move(work)};
}

void FileThread::post(std::function<void()> work) {
  if (::getpid() != process_)
    return;
  Lock lock(thread_.mutex());
  posted_.push_back(std::move(work));
  thread_.notify();
}

void FileThread::run(llvm::function_ref<void()> work) {
  if (::getpid() != process_)
    return;
  std::promise<void> done;
  post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

bool write_all(int file, llvm::StringRef bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    bytes = bytes.drop_front(std::size_t(written));
  }
  return true;
}

} // namespace osr
