// The control socket's thread, and one more for each client that asks for something.
//
//   program's threads          server's thread                      a client's worker
//   know nothing of it         asleep in poll()
//                              accepts, if it is the same user
//                              reads lines, checks them ──────────► carries them out, one after the other:
//                              writes what is there,  ◄──────────── may wait for the runtime's lock, the compiler,
//                              as much as the client takes          or the program
//
// The server's thread waits for nobody: what a client sends and does not read costs a bounded amount of memory, and then
// the client its connection. All these threads have a table of descriptors that the program has no part in
// (runtime/process/file_thread.h), and block all signals. The end of the process waits for none of them.
#pragma once

#include "runtime/control/methods.h"
#include "runtime/control/socket_folder.h"
#include "runtime/process/file_thread.h"

#include <llvm/Support/Error.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <pthread.h>
#include <string>
#include <vector>

namespace osr {

/// A request on its way.
struct Call {
  const Method &method;
  const RpcRequest &request;
  Peer peer;
  const std::atomic<bool> &is_cancelled;
  /// Says something before the answer. False: the client does not read fast enough, and this is left out.
  std::function<bool(llvm::StringRef method, const nlohmann::json &parameters)> tell;
};

/// Tells the client now and then how far its request is, by notifications `progress`. In the worker's thread.
class ProgressTeller {
public:
  explicit ProgressTeller(const Call &call) : call_(call) {}
  /// At once, unless something was told just before; the same again after a second.
  void operator()(const std::string &what);

private:
  using Clock = std::chrono::steady_clock;
  const Call &call_;
  Clock::time_point began_ = Clock::now();
  std::optional<Clock::time_point> told_;
  std::string last_;
};

class ControlClient;

class ControlServer {
public:
  /// What a request gets. In the thread of a client's worker; may take its time, unless the call is cancelled.
  using Answer = std::function<llvm::Expected<nlohmann::json>(const Call &call)>;
  struct Options {
    bool is_read_only = false;
    nlohmann::json greeting; ///< what each client is told first, besides the protocol's version
    Answer answer;
  };

  /// Tries the folders in their order. Returns when the thread has its own descriptors and listens; fails with the reason
  /// for which no folder can be used. After Handshake::create(), whose signal ends the thread's sleep at the end.
  static llvm::Expected<std::unique_ptr<ControlServer>> start(std::vector<std::string> folders, Options options);
  /// Cancels what is under way, and waits for it.
  ~ControlServer();
  ControlServer(const ControlServer &) = delete;
  ControlServer &operator=(const ControlServer &) = delete;

  /// The process is about to end, by whatever thread: nobody finds the socket any more. Async-signal-safe, waits for nothing.
  void hide() const;

  /// What clients may cost; docs/control.md says so.
  static constexpr std::size_t most_clients = 8, most_waiting = 32; ///< requests of one client
  static constexpr unsigned most_bad_lines = 32; ///< in a row, that are no requests
  static constexpr std::size_t most_unread = std::size_t(16) << 20; ///< bytes that a client has not read
  static constexpr std::chrono::seconds patience{10}; ///< for the rest of a line, or for a client that reads nothing

private:
  class Inside;
  ControlServer(std::unique_ptr<FileThread> thread, Options options);

  Options options_;
  pid_t process_;
  std::atomic<bool> is_ending_ = false;
  std::string path_; ///< of the socket
  pthread_t server_ = {};
  std::unique_ptr<Inside> inside_; ///< made, used and destroyed in the server's thread: it has descriptors of that
  std::unique_ptr<FileThread> thread_;
};

} // namespace osr
