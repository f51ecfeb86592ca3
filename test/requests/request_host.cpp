// Runs a program that makes requests itself.
//
//   $ request_host TIER PROGRAM.bc [ARGUMENT...]
//
// The program's first argument is the tier, too. It may call what request_calls.h has; see objections.c.
#include "runtime/guest/program_exit.h"
#include "test/requests/request_calls.h"
#include "test/support/host_program.h"

#include <cstdio>
#include <string_view>

using namespace osr;

namespace {

constexpr std::chrono::milliseconds patience(3000); ///< some thread may be meant never to stop
constexpr std::uint64_t code_bytes = 512 << 10;     ///< a program may fill it

} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: request_host TIER PROGRAM.bc [ARGUMENT...]\n");
    return 2;
  }
  Runtime::Options options;
  options.tier = std::string_view(argv[1]) == "baseline" ? Tier::Baseline : Tier::Optimized;
  options.stops.limit = patience;
  options.slabs.code = code_bytes;
  auto loaded = load_host_program(argv[2], std::move(options));
  if (!loaded) {
    std::fprintf(stderr, "request_host: %s\n", llvm::toString(loaded.takeError()).c_str());
    return 1;
  }
  runtime_of_requests = *loaded;
  std::vector<std::string> arguments{argv[2], argv[1]};
  arguments.insert(arguments.end(), argv + 3, argv + argc);
  auto status = runtime_of_requests->run_main(arguments);
  if (!status) {
    std::fprintf(stderr, "request_host: %s\n", llvm::toString(status.takeError()).c_str());
    return 1;
  }
  exit_program(*status);
}
