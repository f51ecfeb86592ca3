#include "runtime/events/trace_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <unistd.h>

namespace osr {
namespace {

/// Microseconds, exact: rounded spans would no longer lie in each other.
std::string microseconds_text(TraceTime time) {
  const auto nanoseconds = std::max<std::int64_t>(std::chrono::nanoseconds(time).count(), 0);
  return fmt::format("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000);
}

std::string json_text(const nlohmann::json &value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string text_of(llvm::StringRef text) { return json_text(nlohmann::json(text.str())); }

/// `rest` is fields.
std::string event(pid_t thread, const char *phase, const std::string &rest) {
  return fmt::format(",\n{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},{}}}", phase, getpid(), thread, rest);
}

} // namespace

std::string trace_what(llvm::StringRef category, llvm::StringRef name, const nlohmann::json &arguments) {
  return fmt::format(R"("cat":{},"name":{},"args":{})", text_of(category), text_of(name), json_text(arguments));
}

std::string trace_span(pid_t thread, TraceTime begin, TraceTime took, llvm::StringRef what) {
  return event(thread, "X",
               fmt::format(R"("ts":{},"dur":{},{})", microseconds_text(begin), microseconds_text(took), what.str()));
}

std::string trace_instant(pid_t thread, TraceTime at, llvm::StringRef what, TraceScope scope) {
  const char *letter = scope == TraceScope::Thread ? "t" : "p";
  return event(thread, "i", fmt::format(R"("ts":{},"s":"{}",{})", microseconds_text(at), letter, what.str()));
}

std::string trace_name(pid_t thread, llvm::StringRef kind, llvm::StringRef name) {
  return event(thread, "M", fmt::format(R"("name":"{}","args":{{"name":{}}})", kind.str(), text_of(name)));
}

std::string shown_name(pid_t thread) {
  if (thread == getpid())
    return "main";
  auto command = [](pid_t of) {
    std::string name;
    std::getline(std::ifstream(fmt::format("/proc/self/task/{}/comm", of)), name);
    return name;
  };
  const std::string name = command(thread);
  return name.empty() || name == command(getpid()) ? "program" : name;
}

} // namespace osr
