#include "runtime/guards/deoptimize.h"

#include "compiler/canonical/exit_calls.h"

#include <atomic>
#include <cstdarg>
#include <fmt/format.h>

namespace osr {
namespace {

std::atomic<FindDeoptimizeHandler *> find_handler = nullptr; ///< the same for all runtimes

struct TwoWords {
  std::uint64_t first, second;
};

extern "C" TwoWords osr_deoptimize(const ExitDescription *exit, ...) {
  const Deoptimization to = find_handler.load(std::memory_order_relaxed)(reinterpret_cast<std::uint64_t>(exit));
  if (!to.handler) {
    note_dead_end(
        fmt::format("'{}' deoptimizes, and nobody takes its frame state: begin the bundle with a function that has the "
                    "attribute \"{}\", or give the runtime a handler",
                    exit->function, continuation_attribute));
    end_here(to.cannot_go_on);
  }
  const std::uint64_t count = exit->arguments + exit->state;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < count; ++i)
    total += exit->values[i].words;
  std::vector<std::uint64_t> words(total);
  va_list list;
  va_start(list, exit);
  for (std::uint64_t &word : words)
    word = va_arg(list, std::uint64_t);
  va_end(list);

  DeoptimizedFrame frame{exit->function, exit->result_type, {}, {}};
  std::span<const std::uint64_t> rest = words;
  for (std::uint64_t i = 0; i < count; ++i) {
    const ExitValueDescription &value = exit->values[i];
    (i < exit->arguments ? frame.arguments : frame.state).push_back({value.type, rest.first(value.words)});
    rest = rest.subspan(value.words);
  }
  const DeoptimizedResult result = to.handler(frame);
  return {result[0], result[1]};
}

} // namespace

void answer_deoptimization(FindDeoptimizeHandler *find) { find_handler = find; }

std::vector<AbsoluteSymbol> deoptimize_symbols() {
  return {{deoptimize_callee, reinterpret_cast<std::uint64_t>(&osr_deoptimize)}};
}

} // namespace osr
