// Processes that have a control socket, and talking to one of them.
#pragma once

#include "runtime/control/protocol.h"
#include "runtime/control/socket_folder.h"

#include <llvm/Support/Error.h>

#include <chrono>
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

/// Those in this user's folders, and for root in everybody's. Some may have ended.
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

  /// The result of one request; its error is what the server says, or that it did not answer in time.
  llvm::Expected<nlohmann::json> ask(const std::string &method, const nlohmann::json &parameters);

private:
  using Clock = std::chrono::steady_clock;
  ControlConnection(OwnedFile socket, pid_t pid, Seconds patience)
      : socket_(std::move(socket)), pid_(pid), patience_(patience) {}
  llvm::Error send(const std::string &line, Clock::time_point end);
  llvm::Expected<nlohmann::json> receive(Clock::time_point end);
  llvm::Error wait_for(short events, Clock::time_point end) const;
  Clock::time_point end_of_patience() const;

  OwnedFile socket_;
  pid_t pid_;
  Seconds patience_;
  nlohmann::json greeting_;
  std::string received_;
  std::uint64_t next_id_ = 1;
};

} // namespace osr
