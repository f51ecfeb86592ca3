#include "runtime/control/socket_folder.h"

#include "compiler/base/error.h"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Support/Errno.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace llvm;

namespace osr {
namespace {

constexpr int most_that_wait_to_be_accepted = 8;

Error system_error(StringRef what, StringRef path) {
  const int number = errno;
  return make_error("{} '{}': {}", what.str(), path.str(), sys::StrError(number));
}

/// A name in an open folder, short whatever the folder's path is.
sockaddr_un address_of(int folder, const std::string &name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = fmt::format("/proc/thread-self/fd/{}/{}", folder, name);
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return address;
}

Expected<OwnedFile> new_socket() {
  OwnedFile result(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!result)
    return system_error("cannot make", "a socket");
  return result;
}

/// Nobody listens there, and nobody will.
bool is_abandoned(int folder, const std::string &name) {
  auto probe = new_socket();
  if (!probe) {
    consumeError(probe.takeError());
    return false;
  }
  const sockaddr_un address = address_of(folder, name);
  return ::connect(probe->number(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) != 0 &&
         errno == ECONNREFUSED;
}

} // namespace

char NobodyListens::ID = 0;

OwnedFile::~OwnedFile() {
  if (file_ >= 0)
    ::close(file_);
}

std::string to_string(const SocketName &name) { return fmt::format("{}-{}", name.process, name.began); }

std::optional<SocketName> parse_socket_name(StringRef text) {
  const auto [process, began] = text.split('-');
  SocketName name;
  if (process.getAsInteger(10, name.process) || began.getAsInteger(10, name.began) || name.process <= 0 ||
      to_string(name) != text)
    return std::nullopt;
  return name;
}

/// The 22nd word; the second one is in brackets and may hold anything.
std::optional<std::uint64_t> process_began(const std::string &proc_folder) {
  auto text = MemoryBuffer::getFileAsStream(proc_folder + "/stat");
  if (!text)
    return std::nullopt;
  SmallVector<StringRef, 64> words;
  (*text)->getBuffer().rsplit(')').second.split(words, ' ', -1, /*KeepEmpty=*/false);
  std::uint64_t began = 0;
  if (words.size() < 20 || words[19].getAsInteger(10, began))
    return std::nullopt;
  return began;
}

Expected<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return system_error("cannot find out who is at", "a socket");
  return Peer{credentials.uid, credentials.pid};
}

std::vector<std::string> socket_folders(StringRef runtime_folder, uid_t user) {
  std::vector<std::string> folders;
  if (runtime_folder.starts_with("/"))
    folders.push_back((runtime_folder + "/osr").str());
  folders.push_back(fmt::format("/tmp/osr-{}", user));
  return folders;
}

Expected<SocketFolder> SocketFolder::open(const std::string &path, uid_t owner, Use use) {
  if (use == Use::Create && ::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST)
    return system_error("cannot make the folder", path);
  OwnedFile folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status{};
  if (!folder || ::fstat(folder.number(), &status) != 0)
    return system_error("cannot open the folder", path);
  if (status.st_uid != owner)
    return make_error("the folder '{}' belongs to user {} instead of {}", path, status.st_uid, owner);
  if ((status.st_mode & 07777) != S_IRWXU)
    return make_error("the folder '{}' has mode {:o}: only its owner may be able to use it (chmod 700)", path,
                      status.st_mode & 07777);
  return SocketFolder(path, std::move(folder));
}

Expected<OwnedFile> SocketFolder::listen(SocketName name) const {
  auto socket = new_socket();
  if (!socket)
    return socket.takeError();
  const std::string text = to_string(name);
  const sockaddr_un address = address_of(folder_.number(), text);
  const auto bind = [&] {
    return ::bind(socket->number(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0;
  };
  if (!bind()) {
    if (errno != EADDRINUSE || !is_abandoned(folder_.number(), text)) // of this process, before it was another program
      return system_error("cannot make a control socket in", path_);
    remove(name);
    if (!bind())
      return system_error("cannot make a control socket in", path_);
  }
  if (::fchmodat(folder_.number(), text.c_str(), S_IRUSR | S_IWUSR, 0) != 0 ||
      ::listen(socket->number(), most_that_wait_to_be_accepted) != 0) {
    Error error = system_error("cannot listen in", path_);
    remove(name);
    return error;
  }
  return socket;
}

Expected<OwnedFile> SocketFolder::connect(SocketName name) const {
  auto socket = new_socket();
  if (!socket)
    return socket.takeError();
  const sockaddr_un address = address_of(folder_.number(), to_string(name));
  if (::connect(socket->number(), reinterpret_cast<const sockaddr *>(&address), sizeof(address)) == 0)
    return socket;
  if (errno == ECONNREFUSED || errno == ENOENT)
    return llvm::make_error<NobodyListens>(
        fmt::format("nobody listens at the control socket of process {}: it has ended, or "
                    "is another program now",
                    name.process),
        std::make_error_code(std::errc::connection_refused));
  return system_error("cannot connect to process", std::to_string(name.process));
}

std::vector<SocketName> SocketFolder::list() const {
  std::vector<SocketName> names;
  DIR *entries = nullptr;
  if (const int again = ::openat(folder_.number(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); again >= 0) {
    entries = ::fdopendir(again);
    if (!entries)
      ::close(again);
  }
  if (!entries)
    return names;
  while (const dirent *entry = ::readdir(entries))
    if (auto name = parse_socket_name(entry->d_name))
      names.push_back(*name);
  ::closedir(entries);
  return names;
}

/// A folder may be shared with processes whose numbers mean others here: so it is also asked whether somebody listens.
void SocketFolder::remove_stale(std::size_t most) const {
  for (const SocketName &name : list()) {
    if (most-- == 0)
      return;
    if (process_began(fmt::format("/proc/{}", name.process)) != name.began &&
        is_abandoned(folder_.number(), to_string(name)))
      remove(name);
  }
}

void SocketFolder::remove(SocketName name) const { (void)::unlinkat(folder_.number(), to_string(name).c_str(), 0); }

} // namespace osr
