#include "runtime/control/client.h"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/socket.h>

using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t read_at_once = std::size_t(64) << 10;
constexpr std::size_t answers_before_questions = std::size_t(1) << 20; ///< unread bytes at which no more is read

} // namespace

ControlClient::ControlClient(OwnedFile socket, Peer peer, const ControlServer::Options &options,
                             std::shared_ptr<OwnedFile> wake)
    : socket_(std::move(socket)), options_(options), worker_(peer, options.answer, std::move(wake)) {
  nlohmann::json greeting = options.greeting;
  greeting["protocol"] = protocol_version;
  greeting["read_only"] = options.is_read_only;
  say(notification_line("hello", greeting));
}

bool ControlClient::wants_to_read() const { return !is_at_end_ && unread_bytes() < answers_before_questions; }

void ControlClient::leave() {
  is_gone_ = true;
  worker_.end();
  socket_ = OwnedFile();
  sent_ = unread_ = {};
  looked_at_ = written_ = 0;
}

bool ControlClient::has_ended() { return is_gone_ && worker_.end(); }

void ControlClient::dismiss(StringRef reason) {
  say(notification_line("bye", {{"reason", reason.str()}}));
  if (!is_gone_)
    write();
  leave();
}

void ControlClient::say(const std::string &line) {
  if (is_gone_)
    return;
  if (unread_bytes() + line.size() > ControlServer::most_unread)
    return leave(); // it does not read
  if (!wants_to_write())
    last_read_ = Clock::now();
  unread_ += line;
}

void ControlClient::write() {
  while (!is_gone_ && wants_to_write()) {
    const ssize_t written =
        ::send(socket_.number(), unread_.data() + written_, unread_bytes(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return;
    if (written < 0)
      return leave();
    written_ += std::size_t(written);
    if (written_ >= unread_.size() / 2) {
      unread_.erase(0, written_);
      written_ = 0;
    }
    last_read_ = Clock::now();
  }
}

void ControlClient::read() {
  if (is_at_end_)
    return leave(); // it does not want the answers either
  const std::size_t before = sent_.size();
  sent_.resize(before + read_at_once);
  const ssize_t got = ::recv(socket_.number(), sent_.data() + before, read_at_once, MSG_DONTWAIT);
  sent_.resize(before + std::size_t(std::max<ssize_t>(got, 0)));
  if (got > 0)
    return take_lines();
  if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
    return;
  is_at_end_ = true; // what it asked for may still be under way
  if (got < 0)
    leave();
}

void ControlClient::take_lines() {
  std::size_t begin = 0;
  for (std::size_t end; !is_gone_ && (end = sent_.find('\n', std::max(begin, looked_at_))) != std::string::npos;
       begin = end + 1)
    take(StringRef(sent_).slice(begin, end));
  if (is_gone_)
    return;
  sent_.erase(0, begin);
  looked_at_ = sent_.size();
  if (begin != 0 || sent_.empty())
    line_began_.reset();
  if (!sent_.empty() && !line_began_)
    line_began_ = Clock::now();
  if (sent_.size() > longest_line)
    dismiss(fmt::format("a line of more than {} bytes", longest_line));
}

void ControlClient::take(StringRef line) {
  if (line.trim().empty())
    return;
  auto parsed = parse_request(line);
  if (const auto *bad = std::get_if<BadRequest>(&parsed))
    return refuse(*bad);
  bad_lines_ = 0;
  auto &request = *std::get_if<RpcRequest>(&parsed);
  auto method = method_of(request, options_.is_read_only);
  if (const auto *error = std::get_if<RpcError>(&method))
    return say(error_line(request.id, *error));
  const Method &known = **std::get_if<const Method *>(&method);
  if (known.place == Place::Server)
    return answer_here(request);
  const nlohmann::json id = request.id;
  if (!worker_.add(std::move(request), known))
    say(error_line(
        id, {RpcCode::Busy, fmt::format("{} requests of this client wait already", ControlServer::most_waiting)}));
}

/// Whoever goes on and on without a request does not speak the protocol.
void ControlClient::refuse(const BadRequest &bad) {
  say(error_line(bad.id, bad.error));
  if (++bad_lines_ == ControlServer::most_bad_lines)
    dismiss(fmt::format("{} lines that are no requests", ControlServer::most_bad_lines));
}

/// cancel, so far.
void ControlClient::answer_here(const RpcRequest &request) {
  const bool found = worker_.cancel(request.parameters["request"]);
  say(result_line(request.id, {{"cancelled", found}}));
}

void ControlClient::collect() {
  for (const std::string &line : worker_.take_lines())
    say(line);
  write();
  if (is_at_end_ && !is_gone_ && !wants_to_write() && !worker_.is_busy())
    leave();
}

std::optional<ControlClient::Clock::time_point> ControlClient::deadline() const {
  std::optional<Clock::time_point> soonest;
  if (line_began_)
    soonest = *line_began_ + ControlServer::patience;
  if (wants_to_write() && last_read_)
    soonest = std::min(soonest.value_or(Clock::time_point::max()), *last_read_ + ControlServer::patience);
  return soonest;
}

void ControlClient::check_time(Clock::time_point now) {
  if (line_began_ && now >= *line_began_ + ControlServer::patience)
    dismiss("the rest of a line did not come");
  else if (wants_to_write() && now >= *last_read_ + ControlServer::patience)
    leave();
}

} // namespace osr
