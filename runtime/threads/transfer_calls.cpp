#include "runtime/threads/transfer_calls.h"

#include "runtime/threads/library_call.h"
#include "runtime/threads/program_thread.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

extern "C" { // what programs call that were compiled with _FORTIFY_SOURCE
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, sockaddr *, socklen_t *);
}

namespace osr {
namespace {

/// The kernel ends a write in the middle when a signal comes, and says how much was written.
template <typename... Values>
ssize_t write_all(long number, int file, const char *bytes, std::size_t size, Values... values) {
  ProgramThread *self = ThreadRegistry::current();
  for (std::size_t done = 0;;) {
    if (self)
      self->interrupted_by_stop = false;
    const long result = result_of(CancellationPoint::Yes, number, file, bytes + done, size - done, values...);
    if (result < 0)
      return done ? ssize_t(done) : with_errno(result);
    done += std::size_t(result);
    if (done == size || !self || !self->interrupted_by_stop.exchange(false))
      return ssize_t(done);
  }
}

// Messages of System V.

ssize_t msgrcv(int queue, void *message, std::size_t size, long type, int flags) {
  return library_call(SYS_msgrcv, queue, message, size, type, flags);
}
int msgsnd(int queue, const void *message, std::size_t size, int flags) {
  return int(library_call(SYS_msgsnd, queue, message, size, flags));
}

// Sockets may have a time limit, and then end with EINTR.

ssize_t read(int file, void *bytes, std::size_t size) { return library_call(SYS_read, file, bytes, size); }
ssize_t read_chk(int file, void *bytes, std::size_t size, std::size_t room) {
  return size > room ? __read_chk(file, bytes, size, room) : read(file, bytes, size);
}
ssize_t readv(int file, const iovec *parts, int count) { return library_call(SYS_readv, file, parts, count); }
ssize_t recvfrom(int file, void *bytes, std::size_t size, int flags, sockaddr *from, socklen_t *length) {
  return library_call(SYS_recvfrom, file, bytes, size, flags, from, length);
}
ssize_t recvfrom_chk(int file, void *bytes, std::size_t size, std::size_t room, int flags, sockaddr *from,
                     socklen_t *length) {
  return size > room ? __recvfrom_chk(file, bytes, size, room, flags, from, length)
                     : osr::recvfrom(file, bytes, size, flags, from, length);
}
ssize_t recv(int file, void *bytes, std::size_t size, int flags) {
  return osr::recvfrom(file, bytes, size, flags, nullptr, nullptr);
}
ssize_t recv_chk(int file, void *bytes, std::size_t size, std::size_t room, int flags) {
  return size > room ? __recv_chk(file, bytes, size, room, flags) : recv(file, bytes, size, flags);
}
ssize_t recvmsg(int file, msghdr *message, int flags) { return library_call(SYS_recvmsg, file, message, flags); }
ssize_t write(int file, const void *bytes, std::size_t size) {
  return write_all(SYS_write, file, static_cast<const char *>(bytes), size);
}
ssize_t sendto(int file, const void *bytes, std::size_t size, int flags, const sockaddr *to, socklen_t length) {
  return write_all(SYS_sendto, file, static_cast<const char *>(bytes), size, flags, to, length);
}
ssize_t send(int file, const void *bytes, std::size_t size, int flags) {
  return sendto(file, bytes, size, flags, nullptr, 0);
}
ssize_t sendmsg(int file, const msghdr *message, int flags) { return library_call(SYS_sendmsg, file, message, flags); }
int accept(int file, sockaddr *from, socklen_t *length) { return int(library_call(SYS_accept, file, from, length)); }
int accept4(int file, sockaddr *from, socklen_t *length, int flags) {
  return int(library_call(SYS_accept4, file, from, length, flags));
}
int connect(int file, const sockaddr *to, socklen_t length) { return int(library_call(SYS_connect, file, to, length)); }

} // namespace

std::vector<AbsoluteSymbol> transfer_call_symbols() {
  return {symbol_of("msgrcv", msgrcv),       symbol_of("msgsnd", msgsnd),     symbol_of("read", read),
          symbol_of("__read_chk", read_chk), symbol_of("readv", readv),       symbol_of("recv", recv),
          symbol_of("__recv_chk", recv_chk), symbol_of("recvfrom", recvfrom), symbol_of("__recvfrom_chk", recvfrom_chk),
          symbol_of("recvmsg", recvmsg),     symbol_of("write", write),       symbol_of("send", send),
          symbol_of("sendto", sendto),       symbol_of("sendmsg", sendmsg),   symbol_of("accept", accept),
          symbol_of("accept4", accept4),     symbol_of("connect", connect)};
}

} // namespace osr
