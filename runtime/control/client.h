// One client of the server: what it has sent, what is to be done for it, and what it has not read yet.
#pragma once

#include "runtime/control/server.h"
#include "runtime/process/worker_threads.h"

#include <chrono>
#include <deque>

namespace osr {

/// Carries out a client's requests in a thread of its own, from the first one on. Thread-safe.
class ControlWorker {
public:
  ControlWorker(Peer peer, ControlServer::Answer answer, std::shared_ptr<OwnedFile> wake);
  /// Cancels what is under way, and waits for it.
  ~ControlWorker();

  /// False: too many wait.
  bool add(RpcRequest request, const Method &method);
  /// A request of this id that waits or is under way. False: there is none.
  bool cancel(const nlohmann::json &id);
  /// Nothing is begun any more, and what is under way is cancelled. True: it has ended, and the destructor waits for nothing.
  bool end();
  /// What it has to say since the last time.
  std::vector<std::string> take_lines();
  bool is_busy() const;

private:
  struct Work {
    RpcRequest request;
    const Method *method;
    std::atomic<bool> is_cancelled = false;
  };
  WorkerThreads::Next next() OSR_REQUIRES(thread_.mutex());
  void finish(const Work &work);
  std::string carry_out(const Work &work);
  bool tell(std::string line);
  void wake_server() const;

  Peer peer_;
  ControlServer::Answer answer_;
  std::shared_ptr<OwnedFile> wake_;
  std::deque<std::unique_ptr<Work>> works_ OSR_GUARDED_BY(thread_.mutex()); ///< the first one is under way
  std::vector<std::string> lines_ OSR_GUARDED_BY(thread_.mutex());
  WorkerThreads thread_;
};

/// Only in the server's thread.
class ControlClient {
public:
  using Clock = std::chrono::steady_clock;

  ControlClient(OwnedFile socket, Peer peer, const ControlServer::Options &options, std::shared_ptr<OwnedFile> wake);

  int socket() const { return socket_.number(); }
  bool wants_to_read() const;
  bool wants_to_write() const { return unread_bytes() != 0; }
  /// It has sent something, or hung up.
  void read();
  /// As much as it takes.
  void write();
  /// Lines of its worker come on their way.
  void collect();
  /// It is gone: the connection is closed, and what is under way for it cancelled.
  void leave();
  /// It is told why, if it listens, and is gone.
  void dismiss(llvm::StringRef reason);
  /// Whoever is too slow is.
  void check_time(Clock::time_point now);
  /// When check_time() may have something to do; nothing: never.
  std::optional<Clock::time_point> deadline() const;
  bool is_gone() const { return is_gone_; }
  /// After it has gone: it may be destroyed without waiting.
  bool has_ended();

private:
  void take_lines();
  void take(llvm::StringRef line);
  void refuse(const BadRequest &bad);
  void answer_here(const RpcRequest &request);
  void say(const std::string &line);
  std::size_t unread_bytes() const { return unread_.size() - written_; }

  OwnedFile socket_;
  const ControlServer::Options &options_;
  ControlWorker worker_;
  std::string sent_; ///< by it, without the lines that were taken
  std::size_t looked_at_ = 0; ///< so many bytes of that hold no end of a line: who sends byte by byte costs no more
  unsigned bad_lines_ = 0; ///< in a row
  std::string unread_; ///< by it, behind what was written
  std::size_t written_ = 0; ///< so many bytes of that: what is left moves now and then only
  bool is_gone_ = false, is_at_end_ = false; ///< it will send nothing any more
  std::optional<Clock::time_point> line_began_, last_read_;
};

} // namespace osr
