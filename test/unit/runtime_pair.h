// Two runtimes whose functions call each other.
#pragma once

#include "grow_fixture.h"

#include <array>
#include <atomic>
#include <functional>

namespace osr {

template <typename Function> std::uint64_t address(Function *function) {
  return reinterpret_cast<std::uint64_t>(function);
}

/// Goes down by calling the other runtime's function through the host, and says on the way up, of each exception too, that it
/// came by.
inline std::string half(const std::string &name) {
  return fmt::format(R"(
    declare i64 @other(i64)
    declare i64 @bottom(i64)
    declare void @note(i64)
    declare i32 @__gxx_personality_v0(...)
    define i64 @{0}(i64 %n) personality ptr @__gxx_personality_v0 {{
      %twice = mul i64 %n, 2
      %stop = icmp eq i64 %n, 0
      br i1 %stop, label %end, label %more
    end:
      %last = call i64 @bottom(i64 %twice)
      ret i64 %last
    more:
      %less = sub i64 %n, 1
      %rest = invoke i64 @other(i64 %less) to label %on unwind label %away
    on:
      %sum = add i64 %rest, %twice
      ret i64 %sum
    away:
      %exception = landingpad {{ ptr, i32 }} cleanup
      call void @note(i64 %n)
      resume {{ ptr, i32 }} %exception
    }})",
                     name);
}

using Number = std::uint64_t(std::uint64_t);

/// Two runtimes whose functions `left` and `right` call each other.
struct RuntimePair {
  std::array<std::unique_ptr<Runtime>, 2> runtimes;
  std::array<std::atomic<Number *>, 2> functions;
  std::function<std::uint64_t(std::uint64_t)> at_bottom = [](std::uint64_t n) { return n; };
  std::atomic<std::uint64_t> notes = 0, sum_of_notes = 0;

  static inline RuntimePair *current = nullptr;
  static constexpr std::array names = {"left", "right"};

  explicit RuntimePair(Runtime::Options left = {.tier = Tier::Baseline},
                       Runtime::Options right = {.tier = Tier::Baseline}) {
    current = this;
    for (unsigned i = 0; i < 2; ++i) {
      Runtime::Options &options = i ? right : left;
      const auto other = i ? +[](std::uint64_t n) { return current->functions[0].load()(n); }
                           : +[](std::uint64_t n) { return current->functions[1].load()(n); };
      options.host_symbols = {{"other", address(other)},
                              {"bottom", address(+[](std::uint64_t n) { return current->at_bottom(n); })},
                              {"note", address(+[](std::uint64_t n) {
                                 ++current->notes;
                                 current->sum_of_notes += n;
                               })}};
      runtimes[i] = runtime_with({half(names[i])}, std::move(options));
      functions[i] = reinterpret_cast<Number *>(llvm::cantFail(runtimes[i]->lookup(names[i])));
    }
  }

  std::uint64_t replace(unsigned which, Tier to) {
    return llvm::cantFail(runtimes[which]->replace(names[which], {.to = to})).rewritten;
  }
  std::uint64_t transitions(unsigned which) {
    const Statistics now = *runtimes[which]->snapshot();
    return now.transitions.in_place + now.transitions.continuation;
  }
};

/// What both return for n.
constexpr std::uint64_t sum_to(std::uint64_t n) { return n * (n + 1); } // of twice the numbers

} // namespace osr
