// What the runtime does, as a timeline: compiles, requests, pauses, transitions, failed guards, code that was freed.
//
// The file is in the JSON array form of Chrome's trace event format ("Trace Event Format", the Chromium project), which
// Perfetto (ui.perfetto.dev) and chrome://tracing open. Each event is handed to the thread that has the file when it has
// happened (runtime/process/file_thread.h), and written whole, on a line of its own; readers do without the closing bracket:
// the trace of a process that was killed is good up to its last line. Transitions happen in stubs, where nothing can be written: they are listed (osr-stubs/transition_ring.h) and
// written a hundred times a second, so those of the last hundredth are missing after a kill. The end of a trace says how
// many found the list full, or came after the first million, which is all that is written of them.
//
// One trace at a time, from start() to finish() or stop(). A child made by fork writes nothing: the file is its parent's.
#pragma once

#include "compiler/base/mutex.h"
#include "osr-stubs/transition_ring.h"
#include "runtime/process/file_thread.h"
#include "runtime/process/ticker.h"

#include <llvm/ADT/StringRef.h>
#include <llvm/Support/Error.h>

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace osr {

/// Thread-safe. Not while threads are stopped: one of them may be in the middle of writing an event.
class Trace {
public:
  using Clock = std::chrono::steady_clock;

  enum class OldFile : std::uint8_t {
    Overwritten,
    Refused, ///< the file is new, for its user only, and no link is followed to it
  };
  /// Timestamps count from here. Fails if the file cannot be written, or another one is. `process` is the name that readers show. Again
  /// after stop(): transitions by stubs that were made before the first one are not listed.
  static llvm::Error start(const std::string &path, llvm::StringRef process, OldFile old = OldFile::Overwritten);
  /// Writes the end, for the time being. False: no trace is being written.
  static bool stop();
  /// Something is being written, not only listened to.
  bool is_written() const { return is_written_.load(std::memory_order_acquire); }
  /// Null: nobody wants to know.
  static Trace *active() noexcept { return active_.load(std::memory_order_acquire); }

  /// Hears of spans and instants when they have happened (not of transitions), in the thread that they happened in, and may
  /// not wait. With or without a file.
  struct Event {
    pid_t thread;
    llvm::StringRef category, name;
    Clock::time_point begin;
    std::optional<Clock::duration> took;
    const nlohmann::json &arguments;
  };
  using Listener = std::function<void(const Event &)>;
  /// Null: nobody listens any more.
  static void listen(Listener listener);

  /// Something of this thread that took from `begin` until now.
  void span(llvm::StringRef category, llvm::StringRef name, Clock::time_point begin, const nlohmann::json &arguments);
  /// The same of any thread.
  void span(pid_t thread, llvm::StringRef category, llvm::StringRef name, Clock::time_point begin,
            Clock::time_point end, const nlohmann::json &arguments);
  /// Something that happened now.
  void instant(llvm::StringRef category, llvm::StringRef name, const nlohmann::json &arguments);

  /// What a stub of that kind is to list; equal ones are one. Null: there is no file. `arguments` says what the transition is.
  TracedTransition *transition(llvm::StringRef function, const nlohmann::json &arguments);

  /// Writes what is listed and how many transitions were not, and closes the array. Nothing is written afterwards.
  void finish();

private:
  explicit Trace(std::unique_ptr<FileThread> files);
  Trace() = default; ///< without a file
  static llvm::Expected<Trace *> with_file_thread();
  static Trace *for_listener();
  llvm::Error open(const std::string &path, llvm::StringRef process, OldFile old);
  void begin();
  void tell(const Event &event);
  static int forget_in_children();
  using Lines = std::vector<std::pair<pid_t, std::string>>;
  void put(Lines lines);
  void put_now(const Lines &lines);
  void drain() OSR_REQUIRES(mutex_);
  Clock::time_point time_of(std::uint64_t ticks, Clock::time_point now, std::uint64_t ticks_now) const;

  static inline std::atomic<Trace *> active_ = nullptr;

  std::unique_ptr<FileThread> files_; ///< null: there is never a file
  /// Only in that thread.
  int file_ = -1;
  std::set<pid_t> named_;
  bool is_broken_ = false; ///< a full disk costs the rest of the trace, and a torn line costs the reader no other

  Clock::time_point start_;
  std::uint64_t start_ticks_ = 0;
  Mutex mutex_;
  Listener listener_ OSR_GUARDED_BY(mutex_);
  std::atomic<bool> is_written_ = false; ///< changed under the mutex
  std::uint64_t written_ OSR_GUARDED_BY(mutex_) = 0, left_out_ OSR_GUARDED_BY(mutex_) = 0; ///< transitions
  std::uint64_t dropped_before_ OSR_GUARDED_BY(mutex_) = 0; ///< by the list, when the file was begun
  std::unique_ptr<TransitionRing> ring_ OSR_GUARDED_BY(mutex_);
  std::map<std::string, TracedTransition *> by_text_ OSR_GUARDED_BY(mutex_);
  std::deque<std::pair<TracedTransition, std::string>>
      transitions_ OSR_GUARDED_BY(mutex_); ///< with what an event says, by number
  std::unique_ptr<Ticker> ticker_;
};

} // namespace osr
