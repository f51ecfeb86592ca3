#include "runtime/code/file_thread.h"

#include "compiler/base/error.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <linux/close_range.h>
#include <pthread.h>
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

llvm::Expected<std::unique_ptr<FileThread>> FileThread::start(const char *name) {
  std::unique_ptr<FileThread> files(new FileThread);
  files->process_ = ::getpid();
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::promise<int> apart;
  std::future<int> error = apart.get_future();
  files->thread_ = std::thread([&apart, &self = *files, name] {
    pthread_setname_np(pthread_self(), name);
    apart.set_value(leave_shared_descriptors());
    self.serve();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (const int number = error.get())
    return make_error("a thread cannot have files of its own: close_range failed: {}", std::strerror(number));
  return files;
}

FileThread::~FileThread() {
  if (::getpid() != process_) {
    thread_.detach(); // it does not exist here
    return;
  }
  {
    std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void FileThread::post(std::function<void()> work) {
  if (::getpid() != process_)
    return;
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  changed_.notify_one();
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

void FileThread::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !posted_.empty(); });
    if (posted_.empty())
      return;
    std::function<void()> work = std::move(posted_.front());
    posted_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
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
