#include "runtime/control/server.h"

#include "compiler/base/error.h"
#include "runtime/control/client.h"
#include "runtime/process/stop_signal.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/Support/Errno.h>

#include <csignal>
#include <new>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_stale_looked_at = 64; ///< when a server begins: sockets of processes that were killed

/// Whoever may not look into the process otherwise does not get in here either.
bool may_be_looked_into() {
  uid_t real = 0, effective = 0, saved = 0;
  return ::prctl(PR_GET_DUMPABLE) == 1 && ::getresuid(&real, &effective, &saved) == 0 && real == effective &&
         real == saved;
}

} // namespace

/// What the server's thread has.
class ControlServer::Inside {
public:
  explicit Inside(const Options &options) : options_(options), user_(::getuid()) {}
  /// Returns the socket's path.
  Expected<std::string> listen(const std::vector<std::string> &folders);
  void serve(const std::atomic<bool> &is_ending);

private:
  using Clock = ControlClient::Clock;
  void wait_for_something();
  void serve_clients(ArrayRef<struct pollfd> watched);
  void accept();
  std::string why_not(const Peer &peer) const;

  const Options &options_;
  const uid_t user_;
  std::optional<SocketFolder> folder_;
  OwnedFile listener_;
  std::shared_ptr<OwnedFile> wake_; ///< an eventfd, also of the workers
  std::vector<std::unique_ptr<ControlClient>> clients_;
};

ControlServer::ControlServer(std::unique_ptr<FileThread> thread, Options options)
    : options_(std::move(options)), process_(::getpid()), thread_(std::move(thread)) {}

Expected<std::unique_ptr<ControlServer>> ControlServer::start(std::vector<std::string> folders, Options options) {
  if (!may_be_looked_into())
    return make_error("a process that others may not look into, or that has several users, has no control socket");
  if (stop_signal() == 0)
    return make_error("there is no control socket before the program's threads can be stopped");
  auto thread = FileThread::start("osr control");
  if (!thread)
    return thread.takeError();
  std::unique_ptr<ControlServer> server(new ControlServer(std::move(*thread), std::move(options)));
  std::string problem;
  server->thread_->run([&] {
    server->server_ = pthread_self();
    server->inside_ = std::make_unique<Inside>(server->options_);
    if (auto path = server->inside_->listen(folders)) {
      server->path_ = std::move(*path);
    } else {
      problem = toString(path.takeError());
      server->inside_.reset();
    }
  });
  if (!problem.empty())
    return make_error("{}", problem);
  server->thread_->post([server = server.get()] {
    server->inside_->serve(server->is_ending_);
    server->inside_.reset();
  });
  return server;
}

ControlServer::~ControlServer() {
  if (::getpid() != process_) {
    (void)inside_.release(); // a forked child: neither threads nor descriptors are here
    return;
  }
  hide();
  is_ending_ = true;
  pthread_kill(server_, stop_signal()); // its handler does nothing but end the sleep
}

void ControlServer::hide() const {
  if (!path_.empty() && ::getpid() == process_)
    ::unlink(path_.c_str());
}

Expected<std::string> ControlServer::Inside::listen(const std::vector<std::string> &folders) {
  const auto began = process_began("/proc/self");
  if (!began)
    return make_error("there is no control socket: /proc does not show this process");
  wake_ = std::make_shared<OwnedFile>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!*wake_)
    return make_error("there is no control socket: eventfd failed: {}", sys::StrError());
  Error problems = Error::success();
  for (const std::string &path : folders) {
    auto folder = SocketFolder::open(path, user_, SocketFolder::Use::Create);
    auto socket = folder ? folder->listen({::getpid(), *began}) : Expected<OwnedFile>(folder.takeError());
    if (!socket) {
      problems = joinErrors(std::move(problems), socket.takeError());
      continue;
    }
    consumeError(std::move(problems));
    folder_.emplace(std::move(*folder));
    listener_ = std::move(*socket);
    return path + "/" + to_string(SocketName{::getpid(), *began});
  }
  return problems;
}

void ControlServer::Inside::serve(const std::atomic<bool> &is_ending) {
  folder_->remove_stale(most_stale_looked_at);
  while (!is_ending) {
    try {
      wait_for_something();
    } catch (const std::bad_alloc &) { // the clients' memory is the first that can be given back
      for (const auto &client : clients_)
        client->leave();
    }
  }
}

void ControlServer::Inside::wait_for_something() {
  std::vector<pollfd> watched{{listener_.number(), POLLIN, 0}, {wake_->number(), POLLIN, 0}};
  std::optional<Clock::time_point> soonest;
  for (const auto &client : clients_) {
    const short events = short((client->wants_to_read() ? POLLIN : 0) | (client->wants_to_write() ? POLLOUT : 0));
    watched.push_back({client->is_gone() ? -1 : client->socket(), events, 0});
    if (auto deadline = client->deadline())
      soonest = std::min(soonest.value_or(Clock::time_point::max()), *deadline);
  }
  timespec timeout{};
  if (soonest) {
    const auto left = std::max(*soonest - Clock::now(), Clock::duration::zero());
    timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
    timeout.tv_nsec = std::chrono::nanoseconds(left % std::chrono::seconds(1)).count();
  }
  sigset_t all;
  sigfillset(&all);
  const sigset_t sleeping = without_stop_signal(all);
  if (::ppoll(watched.data(), watched.size(), soonest ? &timeout : nullptr, &sleeping) < 0)
    return;
  std::uint64_t ignored;
  (void)!::read(wake_->number(), &ignored, sizeof(ignored));
  serve_clients(ArrayRef(watched).drop_front(2));
  erase_if(clients_, [](const auto &client) { return client->has_ended(); });
  if (watched[0].revents & POLLIN)
    accept();
}

void ControlServer::Inside::serve_clients(ArrayRef<struct pollfd> watched) {
  for (const auto &[client, events] : zip_equal(clients_, watched)) {
    if (!client->is_gone() && events.revents & (POLLIN | POLLHUP | POLLERR))
      client->read();
    client->collect();
    client->check_time(Clock::now());
  }
}

/// Empty: it may stay.
std::string ControlServer::Inside::why_not(const Peer &peer) const {
  if (peer.user != user_ && peer.user != 0)
    return fmt::format("this process belongs to user {}", user_);
  if (!may_be_looked_into() || ::geteuid() != user_)
    return "this process has changed its user, or may not be looked into any more";
  if (clients_.size() >= most_clients)
    return fmt::format("there are {} clients already", most_clients);
  return "";
}

void ControlServer::Inside::accept() {
  OwnedFile socket(::accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket)
    return;
  auto peer = peer_of(socket.number());
  if (!peer)
    return consumeError(peer.takeError());
  if (const std::string reason = why_not(*peer); !reason.empty()) {
    const std::string line = notification_line("bye", {{"reason", reason}});
    (void)!::send(socket.number(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return;
  }
  clients_.push_back(std::make_unique<ControlClient>(std::move(socket), *peer, options_, wake_));
}

} // namespace osr
