#include "runtime/threads/notify_threads.h"

#include "compiler/base/message.h"
#include "runtime/process/leaf_mutex.h"
#include "runtime/threads/start_thread.h"
#include "runtime/threads/undisturbed.h"

#include <fmt/format.h>

#include <aio.h>
#include <csignal>
#include <ctime>
#include <mqueue.h>
#include <netdb.h>
#include <set>

namespace osr {
namespace {

/// What the program wants to be called.
struct Notice {
  std::uint64_t pc;
  std::uint64_t value;
  auto operator<=>(const Notice &) const = default;
};

/// Kept for ever, equal ones once: nobody says when a notice will not be needed any more.
const Notice *keep(const Notice &notice) {
  Undisturbed undisturbed;
  static auto &mutex = *new LeafMutex;
  static auto *notices = new std::set<Notice>;
  Lock lock(mutex);
  return &*notices->insert(notice).first;
}

void on_notice(sigval value) {
  auto *notice = static_cast<const Notice *>(value.sival_ptr);
  auto thread = attach_thread();
  if (!thread) { // the C library drops notices too when it can make no thread
    Undisturbed undisturbed;
    say(fmt::format("osr: a notice is lost: {}", llvm::toString(thread.takeError())));
    return;
  }
  enter(**thread, notice->pc, notice->value);
}

/// An event that may be absent; one that starts a thread starts it in on_notice.
class ThroughNotice {
public:
  explicit ThroughNotice(const sigevent *event) : wanted_(event) {
    if (!event || event->sigev_notify != SIGEV_THREAD)
      return;
    own_ = *event;
    own_.sigev_notify_function = on_notice;
    own_.sigev_value.sival_ptr =
        const_cast<Notice *>(keep({reinterpret_cast<std::uint64_t>(event->sigev_notify_function),
                                   reinterpret_cast<std::uint64_t>(event->sigev_value.sival_ptr)}));
    wanted_ = &own_;
  }
  operator sigevent *() const { return const_cast<sigevent *>(wanted_); } // C declares less const than it means

private:
  const sigevent *wanted_;
  sigevent own_;
};

int program_timer_create(clockid_t clock, sigevent *event, timer_t *timer) {
  return timer_create(clock, ThroughNotice(event), timer);
}
int program_mq_notify(mqd_t queue, const sigevent *event) { return mq_notify(queue, ThroughNotice(event)); }
int program_getaddrinfo_a(int mode, gaicb **list, int count, sigevent *event) {
  return getaddrinfo_a(mode, list, count, ThroughNotice(event));
}
int program_lio_listio(int mode, aiocb *const *list, int count, sigevent *event) {
  return lio_listio(mode, list, count, ThroughNotice(event));
}

} // namespace

std::vector<AbsoluteSymbol> notify_thread_symbols() {
  return {symbol_of("timer_create", program_timer_create), symbol_of("mq_notify", program_mq_notify),
          symbol_of("getaddrinfo_a", program_getaddrinfo_a), symbol_of("lio_listio", program_lio_listio)};
}

} // namespace osr
