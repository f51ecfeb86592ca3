// Processes that have a control socket, and talking to one of them.
#pragma once

#include "runtime/control/protocol.h"
#include "runtime/control/socket_folder.h"

#include <llvm/Support/Error.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

namespace osr {

/// A socket that was found.
struct ControlledProcess {
  pid_t pid = 0;      ///< as this process sees it
  SocketName name;    ///< as the other one sees itself
  std::string folder;
  uid_t owner = 0;
};

/// Those in this user's folders, and for root in everybody's. Some may have ended, or be other programs (NobodyListens).
std::vector<ControlledProcess> find_controlled_processes();

/// The one with that number, wherever its folder is, also in a container. The error says what to do.
llvm::Expected<ControlledProcess> find_controlled_process(pid_t pid);

class ControlConnection {
public:
  using Seconds = std::chrono::duration<double>;

  /// Fails if nobody answers in time, if it is somebody else, or if the versions do not fit.
  static llvm::Expected<ControlConnection> open(const ControlledProcess &process, Seconds patience);

  /// Process, program and version.
  const nlohmann::json &greeting() const { return greeting_; }
  pid_t pid() const { return pid_; }
  uid_t owner() const { return owner_; } ///< the user whose process it is
  /// False: the process has ended, or has ended the connection.
  bool is_open() const { return is_open_; }

  /// What comes before the answer to a request that takes its time.
  using OnNews = std::function<void(const std::string &method, const nlohmann::json &parameters)>;

  /// The result of one request; its error is what the server says, or that it did not answer in time, for which it has `more`
  /// than all others.
  llvm::Expected<nlohmann::json> ask(const std::string &method, const nlohmann::json &parameters,
                                     const OnNews &on_news = nullptr, Seconds more = Seconds(0));
  static constexpr Seconds for_ever{1e9};

  /// Lets time pass. False: somebody wants to cancel. The error says that the process, or the connection, has ended.
  llvm::Expected<bool> pause(Seconds time);

  /// While it is not null and set, requests that are under way are cancelled: for handlers of signals.
  void cancel_when(const volatile std::sig_atomic_t *wanted) { cancel_wanted_ = wanted; }

private:
  using Clock = std::chrono::steady_clock;
  ControlConnection(OwnedFile socket, const ControlledProcess &process, Seconds patience)
      : socket_(std::move(socket)), pid_(process.pid), owner_(process.owner), patience_(patience) {}
  llvm::Error send(const nlohmann::json &message, Clock::time_point end);
  void cancel_if_wanted(std::uint64_t id);
  llvm::Expected<nlohmann::json> receive(Clock::time_point end);
  llvm::Error wait_for(short events, Clock::time_point end);
  Clock::time_point end_of_patience() const;

  OwnedFile socket_;
  pid_t pid_;
  uid_t owner_;
  Seconds patience_;
  nlohmann::json greeting_;
  std::string received_;
  std::uint64_t next_id_ = 1, waits_for_ = 0, cancelled_ = 0;
  bool is_open_ = true;
  const volatile std::sig_atomic_t *cancel_wanted_ = nullptr;
};

} // namespace osr
