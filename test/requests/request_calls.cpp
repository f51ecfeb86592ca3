// What the host offers to programs that make requests.
#include "test/requests/request_calls.h"
#include "runtime/engine/engine.h"

#include <cstdio>

using namespace osr;

namespace osr {

Runtime *runtime_of_requests = nullptr;

} // namespace osr

namespace {

Tier tier_of(int number) { return number == 0 ? Tier::Baseline : Tier::Optimized; }

long do_request(const char *function, const ReplaceOptions &options) {
  auto outcome = runtime_of_requests->replace(function, options);
  if (!outcome) {
    std::fprintf(stderr, "request: %s\n", llvm::toString(outcome.takeError()).c_str());
    return -1;
  }
  for (const auto &[reason, count] : outcome->refused)
    std::fprintf(stderr, "request: '%s': %llu refused: %s\n", function, (unsigned long long)count, reason.c_str());
  return long(outcome->rewritten);
}

} // namespace

extern "C" {
long request(const char *function, int tier) { return do_request(function, {.to = tier_of(tier)}); }

long request_version(const char *function, int tier) {
  return do_request(function, {.to = tier_of(tier), .frames = Frames::FinishOld, .recompile = true});
}

long landed(int tier) {
  const Statistics::Transitions &transitions = runtime_of_requests->engine().statistics().transitions;
  return long(tier_of(tier) == Tier::Baseline ? transitions.in_place : transitions.continuation);
}

long split() { return long(runtime_of_requests->engine().statistics().transitions.split); }
}
