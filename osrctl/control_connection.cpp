#include "osrctl/control_connection.h"

#include "compiler/base/error.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/FileSystem.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

std::string proc_folder(pid_t pid) { return fmt::format("/proc/{}", pid); }

/// Folders below `parent` in which each user may have one.
void add_folders(const std::string &parent, StringRef prefix, const std::string &below,
                 std::vector<std::string> &folders) {
  std::error_code error;
  for (sys::fs::directory_iterator entry(parent, error, /*follow_symlinks=*/false), end; !error && entry != end;
       entry.increment(error))
    if (StringRef(entry->path()).starts_with(parent + "/" + prefix.str()))
      folders.push_back(entry->path() + below);
}

constexpr std::size_t most_stale_looked_at = 1000;

uid_t owner_of(const std::string &path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 ? status.st_uid : uid_t(-1);
}

/// From /proc/PID/environ, which its user may read.
std::string runtime_folder_of(const std::string &proc) {
  auto text = MemoryBuffer::getFileAsStream(proc + "/environ");
  SmallVector<StringRef, 64> words;
  if (text)
    (*text)->getBuffer().split(words, '\0');
  for (StringRef word : words)
    if (word.consume_front("XDG_RUNTIME_DIR="))
      return word.str();
  return "";
}

/// What it calls itself, in a container.
pid_t own_number_of(pid_t pid) {
  auto text = MemoryBuffer::getFileAsStream(proc_folder(pid) + "/status");
  SmallVector<StringRef, 64> lines;
  if (text)
    (*text)->getBuffer().split(lines, '\n');
  for (StringRef line : lines)
    if (line.consume_front("NSpid:"))
      if (pid_t own = 0; !line.rtrim().rsplit('\t').second.getAsInteger(10, own))
        return own;
  return pid;
}

} // namespace

std::vector<ControlledProcess> find_controlled_processes() {
  const char *runtime_folder = std::getenv("XDG_RUNTIME_DIR");
  std::vector<std::string> folders = socket_folders(runtime_folder ? runtime_folder : "", ::getuid());
  if (::getuid() == 0) {
    add_folders("/run/user", "", "/osr", folders);
    add_folders("/tmp", "osr-", "", folders);
  } else {
    folders.push_back(fmt::format("/run/user/{}/osr", ::getuid()));
  }
  sort(folders);
  folders.erase(unique(folders), folders.end());
  std::vector<ControlledProcess> found;
  for (const std::string &path : folders) {
    const uid_t owner = ::getuid() == 0 ? owner_of(path) : ::getuid();
    auto folder = SocketFolder::open(path, owner, SocketFolder::Use::Look);
    if (!folder) {
      consumeError(folder.takeError());
      continue;
    }
    folder->remove_stale(most_stale_looked_at);
    for (SocketName name : folder->list())
      if (process_began(proc_folder(name.process)) == name.began)
        found.push_back({name.process, name, path, owner});
  }
  return found;
}

Expected<ControlledProcess> find_controlled_process(pid_t pid) {
  const std::string proc = proc_folder(pid);
  const auto began = process_began(proc);
  if (!began)
    return make_error("there is no process {}", pid);
  const uid_t owner = owner_of(proc);
  std::vector<std::string> folders = socket_folders(runtime_folder_of(proc), owner);
  folders.push_back(fmt::format("/run/user/{}/osr", owner));
  const SocketName name{own_number_of(pid), *began};
  const std::string root = name.process == pid ? "" : proc + "/root";
  for (const std::string &path : folders)
    if (auto folder = SocketFolder::open(root + path, owner, SocketFolder::Use::Look)) {
      if (is_contained(folder->list(), name))
        return ControlledProcess{pid, name, root + path, owner};
    } else {
      consumeError(folder.takeError());
    }
  return make_error("process {} has no control socket: it is no 'osrctl run' of yours, or one with --no-control "
                    "('osrctl ps' lists those that have one)",
                    pid);
}

Expected<ControlConnection> ControlConnection::open(const ControlledProcess &process, Seconds patience) {
  auto folder = SocketFolder::open(process.folder, process.owner, SocketFolder::Use::Look);
  if (!folder)
    return folder.takeError();
  auto socket = folder->connect(process.name);
  if (!socket)
    return socket.takeError();
  auto peer = peer_of(socket->number());
  if (!peer)
    return peer.takeError();
  if (peer->process != process.pid || peer->user != process.owner)
    return make_error("the control socket of process {} is that of process {}, user {}", process.pid, peer->process,
                      peer->user);
  ControlConnection connection(std::move(*socket), process, patience);
  auto greeting = connection.receive(connection.end_of_patience());
  if (!greeting)
    return greeting.takeError();
  if (greeting->value("method", "") != "hello" || !greeting->contains("params"))
    return make_error("process {} does not greet as a control socket does", process.pid);
  connection.greeting_ = (*greeting)["params"];
  if (connection.greeting_.value("protocol", json()) != protocol_version)
    return make_error("process {} speaks version {} of the protocol, and this osrctl version {}: use the osrctl that "
                      "runs it",
                      process.pid, connection.greeting_.value("protocol", json()).dump(), protocol_version);
  return connection;
}

ControlConnection::Clock::time_point ControlConnection::end_of_patience() const {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(patience_);
}

Error ControlConnection::wait_for(short events, Clock::time_point end) {
  for (;;) {
    if (events == POLLIN)
      cancel_if_wanted(waits_for_);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() < 0)
      return make_error("process {} did not answer in time (--timeout)", pid_);
    pollfd watched{socket_.number(), events, 0};
    const int ready = ::poll(&watched, 1, int(std::min<std::int64_t>(left.count() + 1, 1 << 30)));
    if (ready > 0)
      return Error::success();
    if (ready < 0 && errno != EINTR)
      return make_error("cannot wait for process {}: {}", pid_, sys::StrError());
  }
}

Error ControlConnection::send(const json &message, Clock::time_point end) {
  const std::string line = message.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
  if (line.size() > longest_line)
    return make_error("the request has {} bytes, and may have {}", line.size(), longest_line);
  for (StringRef left = line; !left.empty();) {
    if (Error error = wait_for(POLLOUT, end))
      return error;
    const ssize_t sent = ::send(socket_.number(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    is_open_ = sent >= 0 || errno == EAGAIN || errno == EINTR;
    if (!is_open_)
      return make_error("the connection to process {} is gone: {}", pid_, sys::StrError());
    left = left.drop_front(std::size_t(std::max<ssize_t>(sent, 0)));
  }
  return Error::success();
}

Expected<json> ControlConnection::receive(Clock::time_point end) {
  std::size_t searched = 0;
  for (;;) {
    if (const std::size_t length = received_.find('\n', searched); length != std::string::npos) {
      json message = json::parse(received_.begin(), received_.begin() + std::ptrdiff_t(length), nullptr, false);
      received_.erase(0, length + 1);
      if (!message.is_object())
        return make_error("process {} answers with something else than an object", pid_);
      if (message.value("method", json()) == "bye")
        return make_error("process {} ends the connection: {}", pid_, message["params"].value("reason", ""));
      return message;
    }
    searched = received_.size();
    if (Error error = wait_for(POLLIN, end))
      return error;
    char bytes[1 << 16];
    const ssize_t got = ::recv(socket_.number(), bytes, sizeof(bytes), MSG_DONTWAIT);
    is_open_ = got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
    if (got == 0)
      return make_error("process {} has ended, or has ended the connection", pid_);
    if (!is_open_)
      return make_error("the connection to process {} is gone: {}", pid_, sys::StrError());
    received_.append(bytes, std::size_t(std::max<ssize_t>(got, 0)));
  }
}

Expected<bool> ControlConnection::pause(Seconds time) {
  pollfd watched{socket_.number(), 0, 0}; // the other end's going is always told
  if (::poll(&watched, 1, int(time.count() * 1000)) > 0)
    for (const auto end = end_of_patience();;)
      if (auto message = receive(end); !message) // what it said last, or that it is gone
        return message.takeError();
  return !(cancel_wanted_ && *cancel_wanted_);
}

/// Once. The request's answer says what became of it.
void ControlConnection::cancel_if_wanted(std::uint64_t id) {
  if (!cancel_wanted_ || !*cancel_wanted_ || cancelled_ == id)
    return;
  cancelled_ = id;
  const json request{{"jsonrpc", "2.0"}, {"id", next_id_++}, {"method", "cancel"}, {"params", {{"request", id}}}};
  consumeError(send(request, end_of_patience())); // whoever reads notices
}

Expected<json> ControlConnection::ask(const std::string &method, const json &parameters, const OnNews &on_news,
                                      Seconds more) {
  const std::uint64_t id = next_id_++;
  const auto end = end_of_patience() + std::chrono::duration_cast<Clock::duration>(more);
  if (Error error =
          send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", parameters}}, end_of_patience()))
    return error;
  waits_for_ = id;
  for (;;) {
    auto message = receive(end);
    if (!message)
      return message.takeError();
    if (on_news && message->contains("method"))
      on_news(message->value("method", ""), message->value("params", json::object()));
    if (message->value("id", json()) != id)
      continue; // the answer to a request that was given up
    if (message->contains("error"))
      return make_error("{}", (*message)["error"].value("message", ""));
    return message->value("result", json());
  }
}

} // namespace osr
