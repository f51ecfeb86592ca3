// What a listener has heard, as text.
#pragma once

#include "grow_fixture.h"

#include <fmt/format.h>

namespace osr {

inline const char *to_string(EventKind kind) {
  switch (kind) {
  case EventKind::Compiled: return "compiled";
  case EventKind::NotCompiled: return "not compiled";
  case EventKind::TierChanged: return "tier changed";
  case EventKind::Exited: return "exited";
  case EventKind::Dropped: return "dropped";
  case EventKind::Cycle: return "cycle";
  case EventKind::Redefined: return "redefined";
  case EventKind::Removed: return "removed";
  case EventKind::OutOfUse: return "out of use";
  case EventKind::Freed: return "freed";
  }
  return "";
}

/// "compiled sum optimized #1 (first call)", with activations and times where there are any. Of one thread at a time.
struct Heard {
  std::vector<std::string> texts;
  std::vector<pid_t> threads;
  std::uint64_t compiled_bytes = 0; ///< by the last one
  double compile_seconds = 0;

  void note(const RuntimeEvent &event) {
    std::string text = fmt::format("{} {} {}", to_string(event.kind), event.function, to_string(event.tier));
    if (event.site)
      text += fmt::format(" #{}", *event.site);
    if (event.activations)
      text += fmt::format(" {} activations", event.activations);
    if (event.times)
      text += fmt::format(" {} times", event.times);
    if (!event.reason.empty())
      text += fmt::format(" ({})", event.reason);
    texts.push_back(std::move(text));
    threads.push_back(gettid());
    if (event.kind == EventKind::Compiled) {
      compiled_bytes = event.bytes;
      compile_seconds = event.seconds;
    }
  }
  Listener listener() {
    return [this](const RuntimeEvent &event) { note(event); };
  }
  /// How many begin so.
  std::size_t count(llvm::StringRef text) const {
    return std::size_t(
        std::ranges::count_if(texts, [&](const std::string &each) { return llvm::StringRef(each).starts_with(text); }));
  }
  std::string all() const { return fmt::format("{}", fmt::join(texts, "\n")); }
};

/// Guards one bit of its argument after the other; where one fails, 1000 more is the result.
inline constexpr const char *guarded_bits = R"(
  declare void @llvm.experimental.guard(i1, ...)
  define i64 @more(i64 %x) noinline "osr-continuation" {
    %r = add i64 %x, 1000
    ret i64 %r
  }
  define i64 @bits(i64 %x) noinline {
    %b0 = and i64 %x, 1
    %g0 = icmp eq i64 %b0, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g0) [ "deopt"(ptr @more, i64 %x) ]
    %b1 = and i64 %x, 2
    %g1 = icmp eq i64 %b1, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g1) [ "deopt"(ptr @more, i64 %x) ]
    %b2 = and i64 %x, 4
    %g2 = icmp eq i64 %b2, 0
    call void (i1, ...) @llvm.experimental.guard(i1 %g2) [ "deopt"(ptr @more, i64 %x) ]
    ret i64 %x
  })";

} // namespace osr
