// libFuzzer entry of the control socket: whatever a client sends, every line of it gets one answer, which is a line of JSON
// with the request's id, until the client is cut off. Run: control_fuzz -max_len=4096 test/fuzz/corpus/control
#include "compiler/base/check.h"
#include "runtime/control/client.h"

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using nlohmann::json;
using namespace osr;

namespace {

/// What the program's part would do, without one.
llvm::Expected<json> answer(const Call &call) {
  call.tell("event", {{"method", call.method.name}});
  return json{{"method", call.method.name}, {"parameters", call.request.parameters}};
}

/// Each line is JSON; returns how many are answers.
std::size_t count_answers(llvm::StringRef received) {
  std::size_t answers = 0;
  while (!received.empty()) {
    const auto [line, rest] = received.split('\n');
    const json message = json::parse(line.begin(), line.end(), nullptr, false);
    OSR_CHECK(message.is_object() && message["jsonrpc"] == "2.0", "sent: {}", line.str());
    answers += message.contains("result") || message.contains("error");
    received = rest;
  }
  return answers;
}

std::size_t count_requests(llvm::StringRef sent) {
  std::size_t requests = 0;
  while (sent.contains('\n')) {
    const auto [line, rest] = sent.split('\n');
    requests += !line.trim().empty();
    sent = rest;
  }
  return requests;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
  (void)parse_socket_name({reinterpret_cast<const char *>(data), size});
  int ends[2];
  OSR_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
  OwnedFile far(ends[1]);
  ControlServer::Options options;
  options.is_read_only = size % 2 == 0;
  options.answer = answer;
  const auto wake = std::make_shared<OwnedFile>(::eventfd(0, EFD_CLOEXEC));
  ControlClient client(OwnedFile(ends[0]), {::getuid(), ::getpid()}, options, wake);
  const llvm::StringRef sent(reinterpret_cast<const char *>(data), size);
  OSR_CHECK(::send(far.number(), data, size, MSG_NOSIGNAL) == ssize_t(size), "{} bytes were not taken", size);
  ::shutdown(far.number(), SHUT_WR);
  std::string received;
  while (!client.is_gone()) { // the far end has said all, so it goes when all is answered
    if (client.wants_to_read())
      client.read();
    client.collect();
    char bytes[1 << 16];
    for (ssize_t got; (got = ::recv(far.number(), bytes, sizeof(bytes), MSG_DONTWAIT)) > 0;)
      received.append(bytes, std::size_t(got));
  }
  char bytes[1 << 16];
  for (ssize_t got; (got = ::recv(far.number(), bytes, sizeof(bytes), 0)) > 0;)
    received.append(bytes, std::size_t(got));
  const bool is_cut_off = llvm::StringRef(received).contains("\"bye\"");
  OSR_CHECK(count_answers(received) == count_requests(sent) ||
                (is_cut_off && count_answers(received) < count_requests(sent)),
            "{} answers to {} requests", count_answers(received), count_requests(sent));
  return 0;
}
