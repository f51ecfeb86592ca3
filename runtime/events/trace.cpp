#include "runtime/events/trace.h"

#include "compiler/base/error.h"
#include "osr-stubs/machine.h"
#include "runtime/events/cause.h"
#include "runtime/events/trace_text.h"
#include "runtime/process/fork_handlers.h"
#include "runtime/process/stop_signal.h"
#include "runtime/threads/undisturbed.h"

#include <llvm/Support/Errno.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace osr {
namespace {

constexpr std::uint64_t drains_per_second = 100;
constexpr std::uint64_t most_transitions = 1'000'000; ///< in a file: readers take no more than some hundred megabytes

/// Tells listeners while there is no file. Never destroyed: threads may be about to tell it something. The child of a
/// fork begins with another one, for a thread that is not there may have locked this.
std::atomic<Trace *> without_file = nullptr;

/// The one that writes and has written, if any has. Likewise.
std::atomic<Trace *> with_file = nullptr;

/// Somebody starts or stops one.
std::atomic<bool> is_changing = false;

struct Changing {
  const bool is_alone = !is_changing.exchange(true);
  Changing() = default;
  ~Changing() {
    if (is_alone)
      is_changing = false;
  }
  Changing(const Changing &) = delete;
  Changing &operator=(const Changing &) = delete;
};

int open_file(const std::string &path, Trace::OldFile old) {
  switch (old) {
  case Trace::OldFile::Overwritten:
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  case Trace::OldFile::Refused:
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0600);
  }
  return -1;
}

} // namespace

/// Who tells listeners while nothing is written. Null: there is no memory for it.
Trace *Trace::for_listener() {
  if (Trace *trace = with_file)
    return trace;
  Trace *trace = without_file;
  if (trace)
    return trace;
  auto fresh = std::unique_ptr<Trace>(new Trace);
  return without_file.compare_exchange_strong(trace, fresh.get()) ? fresh.release()
                                                                  : trace; // or another thread was faster
}

void Trace::listen(Listener listener) {
  if (int error = forget_in_children(); error != 0 && listener)
    return; // a child could wait for a lock that nobody there holds
  for (;;) {
    Trace *trace = active();
    if (!trace && listener)
      trace = for_listener();
    if (!trace)
      return;
    Lock telling(trace->mutex_);
    if (const Trace *now = active(); now && now != trace)
      continue; // a file was begun meanwhile, and has taken the listener along
    trace->listener_ = std::move(listener);
    active_ = trace->is_written_ || trace->listener_ ? trace : nullptr;
    return;
  }
}

/// Of an error the number.
int Trace::forget_in_children() {
  static const int installed = add_fork_handlers({[] {},
                                                  [](ForkSide side) {
                                                    if (side == ForkSide::Child) {
                                                      active_ = without_file = with_file = nullptr;
                                                      is_changing = false;
                                                    }
                                                  }});
  return installed;
}

llvm::Error Trace::start(const std::string &path, llvm::StringRef process, OldFile old) {
  const Changing changing;
  if (const Trace *trace = active(); !changing.is_alone || (trace && trace->is_written()))
    return make_error("a trace is being written already, then one to '{}'", path);
  if (const int installed = forget_in_children())
    return make_error("cannot write a trace to '{}': no handler for fork: {}", path, llvm::sys::StrError(installed));
  auto trace = with_file_thread();
  if (!trace)
    return trace.takeError();
  if (llvm::Error error = (*trace)->open(path, process, old))
    return error;
  (*trace)->begin();
  return llvm::Error::success();
}

/// Never destroyed: threads of the program may outlive everything.
llvm::Expected<Trace *> Trace::with_file_thread() {
  if (Trace *trace = with_file)
    return trace;
  auto files = FileThread::start("osr files");
  if (!files)
    return files.takeError();
  auto *trace = new Trace(std::move(*files));
  with_file = trace;
  return trace;
}

llvm::Error Trace::open(const std::string &path, llvm::StringRef process, OldFile old) {
  int error = 0;
  files_->run([&] {
    file_ = open_file(path, old);
    error = file_ < 0 ? errno : 0;
    named_.clear();
    is_broken_ = false;
    if (file_ >= 0)
      write_all(file_, "[" + trace_name(getpid(), "process_name", process).substr(1));
  });
  if (error != 0)
    return make_error("cannot write a trace to '{}': {}", path, llvm::sys::StrError(error));
  return llvm::Error::success();
}

/// The file is there. Whoever listens goes on listening.
void Trace::begin() {
  Listener listener;
  Trace *before = active();
  if (before && before != this) {
    Lock lock(before->mutex_);
    listener = std::exchange(before->listener_, nullptr);
  }
  {
    Lock lock(mutex_);
    if (listener)
      listener_ = std::move(listener);
    while (ring_->take()) // of the time without a file
      continue;
    dropped_before_ = ring_->dropped();
    written_ = left_out_ = 0;
    start_ = Clock::now();
    start_ticks_ = processor_ticks();
    is_written_ = true;
    active_ = this;
  }
  ticker_ = std::make_unique<Ticker>("osr trace", drains_per_second, [this] {
    Lock lock(mutex_);
    drain();
  });
}

bool Trace::stop() {
  const Changing changing;
  Trace *trace = with_file;
  if (!changing.is_alone || !trace || !trace->is_written())
    return false;
  trace->finish();
  trace->ticker_.reset();
  return true;
}

Trace::Trace(std::unique_ptr<FileThread> files) : files_(std::move(files)), ring_(std::make_unique<TransitionRing>()) {}

void Trace::put(Lines lines) {
  files_->post([this, lines = std::move(lines)] { put_now(lines); });
}

void Trace::put_now(const Lines &lines) {
  std::string text;
  for (const auto &[thread, line] : lines) {
    if (named_.insert(thread).second)
      text += trace_name(thread, "thread_name", shown_name(thread));
    text += line;
  }
  is_broken_ = is_broken_ || !write_all(file_, text);
}

void Trace::tell(const Event &told) {
  const int saved_errno = errno;
  {
    Undisturbed undisturbed; // a handler of the program may come to write an event, too
    Lock lock(mutex_);
    if (listener_)
      listener_(told);
    if (is_written_) {
      const std::string what = trace_what(told.category, told.name, told.arguments);
      put({{told.thread, told.took ? trace_span(told.thread, told.begin - start_, *told.took, what)
                                   : trace_instant(told.thread, told.begin - start_, what)}});
    }
  }
  errno = saved_errno;
}

void Trace::span(llvm::StringRef category, llvm::StringRef name, Clock::time_point begin,
                 const nlohmann::json &arguments) {
  span(gettid(), category, name, begin, Clock::now(), arguments);
}

void Trace::span(pid_t thread, llvm::StringRef category, llvm::StringRef name, Clock::time_point begin,
                 Clock::time_point end, const nlohmann::json &arguments) {
  tell({thread, category, name, begin, end - begin, arguments});
}

void Trace::instant(llvm::StringRef category, llvm::StringRef name, const nlohmann::json &arguments) {
  tell({gettid(), category, name, Clock::now(), std::nullopt, arguments});
}

TracedTransition *Trace::transition(llvm::StringRef function, const nlohmann::json &arguments) {
  if (!files_ || !is_written_)
    return nullptr;
  std::string text = trace_what("transition", function, arguments);
  text.pop_back(); // the cause is added to the arguments
  Undisturbed undisturbed;
  Lock lock(mutex_);
  TracedTransition *&known = by_text_[text];
  if (!known) {
    auto &[transition, kept] = transitions_.emplace_back();
    kept = std::move(text);
    transition.ring = ring_.get();
    transition.number = std::uint32_t(transitions_.size() - 1);
    known = &transition;
  }
  return known;
}

Trace::Clock::time_point Trace::time_of(std::uint64_t ticks, Clock::time_point now, std::uint64_t ticks_now) const {
  if (ticks_now <= start_ticks_)
    return now;
  const double share = double(std::int64_t(ticks - start_ticks_)) / double(ticks_now - start_ticks_);
  const auto passed = std::chrono::duration_cast<Clock::duration>((now - start_) * std::clamp(share, 0.0, 1.0));
  return start_ + passed;
}

/// With the mutex held.
void Trace::drain() {
  if (!is_written_)
    return;
  const Clock::time_point now = Clock::now();
  const std::uint64_t ticks_now = processor_ticks();
  Lines lines;
  for (std::uint64_t count = 0; count < TransitionRing::capacity; ++count) {
    const auto taken = ring_->take();
    if (!taken)
      break;
    if (written_ == most_transitions) {
      ++left_out_;
      continue;
    }
    ++written_;
    const pid_t thread = taken->thread ? pid_t(taken->thread) : getpid(); // an exit handler after the last thread
    lines.emplace_back(thread, trace_instant(thread, time_of(taken->ticks, now, ticks_now) - start_,
                                             fmt::format("{},\"cause\":\"{}\"}}", transitions_[taken->number].second,
                                                         to_string(Cause(taken->cause)))));
  }
  put(std::move(lines));
}

void Trace::finish() {
  Undisturbed undisturbed;
  Lock lock(mutex_);
  if (!is_written_)
    return;
  drain();
  const std::string end = trace_instant(
      gettid(), Clock::now() - start_,
      trace_what("trace", "end", {{"transitions_dropped", ring_->dropped() - dropped_before_ + left_out_}}),
      TraceScope::Process);
  const pid_t thread = gettid();
  files_->run([&] {
    put_now({{thread, end + "\n]\n"}});
    ::close(std::exchange(file_, -1));
  });
  is_written_ = false;
  if (!listener_)
    active_ = nullptr;
}

} // namespace osr
