// Runs a program that makes requests itself.
//
//   $ request_host TIER PROGRAM.bc [ARGUMENT...]
//
// The program's first argument is the tier, too. It may call request(), landed() and split(); see objections.c.
#include "runtime/osr/program_exit.h"
#include "test/support/host_program.h"

#include <cstdio>
#include <string_view>

using namespace osr;

namespace {

constexpr std::chrono::milliseconds patience(3000); ///< some thread may be meant never to stop

Runtime *runtime = nullptr;

Tier tier_of(int number) { return number == 0 ? Tier::Baseline : Tier::Optimized; }

} // namespace

extern "C" {
long request(const char *function, int tier) {
  auto outcome = runtime->replace(function, {.to = tier_of(tier)});
  if (!outcome) {
    std::fprintf(stderr, "request_host: %s\n", llvm::toString(outcome.takeError()).c_str());
    return -1;
  }
  for (const auto &[reason, count] : outcome->refused)
    std::fprintf(stderr, "request_host: '%s': %llu refused: %s\n", function, (unsigned long long)count, reason.c_str());
  return long(outcome->rewritten);
}

long landed(int tier) {
  const Statistics::Transitions &transitions = runtime->statistics().transitions;
  return long(tier_of(tier) == Tier::Baseline ? transitions.in_place : transitions.continuation);
}

long split() { return long(runtime->statistics().transitions.split); }
}

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: request_host TIER PROGRAM.bc [ARGUMENT...]\n");
    return 2;
  }
  Runtime::Options options;
  options.tier = std::string_view(argv[1]) == "baseline" ? Tier::Baseline : Tier::Optimized;
  options.handshake.limit = patience;
  auto loaded = load_host_program(argv[2], std::move(options));
  if (!loaded) {
    std::fprintf(stderr, "request_host: %s\n", llvm::toString(loaded.takeError()).c_str());
    return 1;
  }
  runtime = *loaded;
  std::vector<std::string> arguments{argv[2], argv[1]};
  arguments.insert(arguments.end(), argv + 3, argv + argc);
  auto status = runtime->run_main(arguments);
  if (!status) {
    std::fprintf(stderr, "request_host: %s\n", llvm::toString(status.takeError()).c_str());
    return 1;
  }
  exit_program(*status);
}
