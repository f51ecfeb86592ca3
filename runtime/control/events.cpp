// What happens, for clients that want to hear of it. Nothing is noted while nobody has asked.
#include "compiler/base/error.h"
#include "compiler/base/mutex.h"
#include "runtime/control/control.h"
#include "runtime/events/trace.h"
#include "runtime/process/fork_handlers.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>

#include <atomic>
#include <deque>
#include <memory>

using nlohmann::json;
using namespace llvm;

namespace osr {
namespace {

constexpr std::size_t most_noted = 4096; ///< the newest
constexpr std::chrono::milliseconds between_looks(100); ///< whether the request was cancelled

/// Filled by whatever thread something happens in, which waits for nobody: the lock is held for moments. Its mutexes
/// are no leaves (one is held while the trace is told, one while events are waited for), so the child of a fork does
/// not use them (event_log).
class EventLog {
public:
  void begin() {
    Lock lock(mutex_);
    if (listeners_++ == 0)
      Trace::listen([this](const Trace::Event &event) { note(event); });
  }
  void end() {
    Lock lock(mutex_);
    if (--listeners_ == 0)
      Trace::listen(nullptr);
  }

  /// Events from this number on, and the number of the next one.
  std::vector<json> from(std::uint64_t &next, bool waits) {
    Lock lock(noted_mutex_);
    const auto end = std::chrono::steady_clock::now() + between_looks;
    while (waits && count_ <= next && noted_anything_.wait_until(lock, end)) {
    }
    std::vector<json> found;
    for (next = std::max(next, count_ - noted_.size()); next < count_; ++next)
      found.push_back(noted_[noted_.size() - (count_ - next)]);
    return found;
  }
  std::uint64_t count() {
    Lock lock(noted_mutex_);
    return count_;
  }

private:
  void note(const Trace::Event &event) {
    using Microseconds = std::chrono::duration<double, std::micro>;
    json noted{{"kind", event.category.str()},
               {"name", event.name.str()},
               {"thread", event.thread},
               {"what", event.arguments},
               {"at_seconds", std::chrono::duration<double>(event.begin.time_since_epoch()).count()}};
    if (event.took)
      noted["took_us"] = Microseconds(*event.took).count();
    Lock lock(noted_mutex_);
    noted["number"] = count_++;
    noted_.push_back(std::move(noted));
    if (noted_.size() > most_noted)
      noted_.pop_front();
    noted_anything_.notify_all();
  }

  Mutex mutex_;
  unsigned listeners_ OSR_GUARDED_BY(mutex_) = 0;
  Mutex noted_mutex_;
  Condition noted_anything_;
  std::deque<json> noted_ OSR_GUARDED_BY(noted_mutex_);
  std::uint64_t count_ OSR_GUARDED_BY(noted_mutex_) = 0;
};

/// Never destroyed: threads work while the process ends.
std::atomic<EventLog *> current_log = nullptr;

/// The child of a fork has no clients, and threads that are not there may have locked the log: it begins with another
/// one.
EventLog &event_log() {
  static const int watched = add_fork_handlers({[] {},
                                                [](ForkSide side) {
                                                  if (side == ForkSide::Child)
                                                    current_log = nullptr;
                                                }});
  static_cast<void>(watched); // else the trace, which watches likewise, tells nothing
  EventLog *log = current_log;
  if (log)
    return *log;
  auto fresh = std::make_unique<EventLog>();
  return *(current_log.compare_exchange_strong(log, fresh.get()) ? fresh.release() : log);
}

/// Kinds, or parts of names, with commas between them; none: all are wanted.
class EventFilter {
public:
  explicit EventFilter(const std::string &text) : text_(text) {
    StringRef(text_).split(words_, ',', -1, /*KeepEmpty=*/false);
    for (StringRef &word : words_)
      word = word.trim();
  }
  EventFilter(const EventFilter &) = delete; // words are in its text
  EventFilter &operator=(const EventFilter &) = delete;

  bool wants(const json &event) const {
    return words_.empty() || any_of(words_, [&](StringRef word) {
             return event["kind"].get_ref<const json::string_t &>() == word ||
                    StringRef(event["name"].get_ref<const json::string_t &>()).contains(word);
           });
  }

private:
  const std::string text_;
  SmallVector<StringRef, 4> words_;
};

} // namespace

/// Without `follow` what was noted for others. With it, from now on until it is cancelled.
Expected<json> answer_events(const ControlParts &, const Call &call) {
  EventLog &log = event_log();
  const EventFilter filter(text_of(call.request, "filter"));
  std::uint64_t next = 0;
  if (!flag_of(call.request, "follow")) {
    json wanted = json::array();
    for (json &event : log.from(next, /*waits=*/false))
      if (filter.wants(event))
        wanted.push_back(std::move(event));
    return json{{"events", std::move(wanted)}};
  }
  struct Listening {
    Listening() { event_log().begin(); }
    ~Listening() { event_log().end(); }
  } listening;
  std::uint64_t left_out = 0;
  next = log.count();
  call.tell("events", {{"from", next}});
  while (!call.is_cancelled) {
    const std::uint64_t before = next;
    const std::vector<json> events = log.from(next, /*waits=*/true);
    left_out += next - before - events.size();
    for (const json &event : events)
      if (filter.wants(event))
        left_out += !call.tell("event", event);
  }
  return json{{"left_out", left_out}};
}

} // namespace osr
