// Where control sockets lie, and who may be met there.
//
//   $XDG_RUNTIME_DIR/osr/1234-567890      or, where there is none of these:  /tmp/osr-UID/1234-567890
//                        │    └ when the process began, in clock ticks after the machine did (/proc/PID/stat)
//                        └ its number
//
// The folder belongs to its user, and nobody else may do anything in it. It is opened once, without following a link, and
// looked at before it is used; from then on everything happens in what was opened, whatever the path leads to later.
// A socket whose process has ended stays until somebody who looks finds that nobody answers there.
#pragma once

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace osr {

/// A descriptor that is closed with it.
class OwnedFile {
public:
  explicit OwnedFile(int file = -1) : file_(file) {}
  ~OwnedFile();
  OwnedFile(OwnedFile &&other) noexcept : file_(std::exchange(other.file_, -1)) {}
  OwnedFile &operator=(OwnedFile &&other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  int number() const { return file_; }
  explicit operator bool() const { return file_ >= 0; }

private:
  int file_;
};

/// Names one process of this machine's time.
struct SocketName {
  pid_t process = 0;
  std::uint64_t began = 0;
  friend auto operator<=>(const SocketName &, const SocketName &) = default;
};

std::string to_string(const SocketName &name);
std::optional<SocketName> parse_socket_name(llvm::StringRef text);

/// Of a process under this root of /proc ("/proc/1234"); nothing: there is none, or /proc does not show it.
std::optional<std::uint64_t> process_began(const std::string &proc_folder);

/// Who is at the other end.
struct Peer {
  uid_t user = 0;
  pid_t process = 0;
};
llvm::Expected<Peer> peer_of(int socket);

/// Nobody listens at a socket: its process has ended, or went over to another program (exec), which closed it and keeps
/// the process's number and beginning.
class NobodyListens : public llvm::ErrorInfo<NobodyListens, llvm::StringError> {
public:
  static char ID;
  using ErrorInfo::ErrorInfo;
};

class SocketFolder {
public:
  enum class Use : std::uint8_t {
    Look, ///< fails if there is none
    Create, ///< makes it
  };
  /// The errors name the folder, and what is wrong with it.
  static llvm::Expected<SocketFolder> open(const std::string &path, uid_t owner, Use use);

  /// A socket that listens there. One that nobody listens at any more is replaced.
  llvm::Expected<OwnedFile> listen(SocketName name) const;
  /// The other side. NobodyListens: there is no socket of that name, or nobody is behind it.
  llvm::Expected<OwnedFile> connect(SocketName name) const;
  std::vector<SocketName> list() const;
  /// Sockets go that nobody listens at and whose process has ended. Of at most that many names.
  void remove_stale(std::size_t most) const;
  void remove(SocketName name) const;

  const std::string &path() const { return path_; }

private:
  SocketFolder(std::string path, OwnedFile folder) : path_(std::move(path)), folder_(std::move(folder)) {}

  std::string path_;
  OwnedFile folder_;
};

/// Where sockets of that user's processes may lie: the first that can be used is. `runtime_folder` is XDG_RUNTIME_DIR of
/// the process, or empty.
std::vector<std::string> socket_folders(llvm::StringRef runtime_folder, uid_t user);

} // namespace osr
